import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Change, type Plan, planHash, sha256 } from '../change.ts';
import { thisHost } from '../host.ts';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import { applyPlan, type ChangeContext, undoChange } from './apply.ts';
import { readLedger } from './ledger.ts';

async function makeComputer() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-apply-'));
  const [root, etc] = [join(folder.path, 'data'), join(folder.path, 'etc')];
  await mkdir(etc);
  const host = thisHost({ PATH: process.env['PATH'], HOME: folder.path });
  const context: ChangeContext = { host, root, by: 'anna', credentials: undefined, mayRestart: false };
  return {
    context,
    etc,
    /** A change of `etc/NAME` to a text. */
    async change(name: string, after: string, more: Partial<Change> = {}): Promise<Change> {
      const path = join(etc, name);
      const current = await readFile(path).catch(() => undefined);
      return {
        title: name,
        engine: 'docker',
        address: 'r:1',
        place: { kind: 'file', path, mode: 0o644 },
        edit: { kind: 'whole' },
        before: current === undefined ? undefined : sha256(current),
        after: Buffer.from(after).toString('base64'),
        needsRoot: false,
        activation: { kind: 'none' },
        proof: { kind: 'none' },
        manual: [],
        ...more,
      };
    },
    async files(): Promise<Readonly<Record<string, string>>> {
      const names = await readdir(etc, { recursive: true, withFileTypes: true });
      const files = names
        .filter((each) => !each.isDirectory())
        .map((each) => join(each.parentPath, each.name));
      return Object.fromEntries(
        await Promise.all(
          files.map(async (file) => [file.slice(etc.length + 1), await readFile(file, 'utf8')]),
        ),
      ) as Record<string, string>;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function planOf(...changes: readonly Change[]): Plan {
  return { title: 'test', why: 'test', changes, effects: [] };
}

function apply(context: ChangeContext, plan: Plan) {
  return applyPlan(context, plan, planHash(plan));
}

test('a new file in new folders is readable for all under any umask, and goes with its folders', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  const umask = process.umask(0o077);
  try {
    const [outcome] = await apply(context, planOf(await computer.change('certs.d/r:1/berth.crt', 'PEM')));

    const modes = await Promise.all(
      ['certs.d', 'certs.d/r:1', 'certs.d/r:1/berth.crt'].map(
        async (name) => (await stat(join(etc, name))).mode & 0o777,
      ),
    );
    assert.deepEqual([outcome?.result, modes], ['applied', [0o755, 0o755, 0o644]]);
    await undoChange(context, 'c1');
    assert.deepEqual(await readdir(etc), []);
  } finally {
    process.umask(umask);
  }
});

test('a replaced file keeps its mode, a link to it stays a link, and undoing gives back every byte', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  await writeFile(join(etc, 'real'), 'old\r\n');
  await chmod(join(etc, 'real'), 0o640);
  await symlink('real', join(etc, 'link'));

  await apply(context, planOf(await computer.change('link', 'new')));
  const changed = await computer.files();
  await undoChange(context, 'c1');

  assert.deepEqual(changed, { link: 'new', real: 'new' });
  assert.deepEqual(await computer.files(), { link: 'old\r\n', real: 'old\r\n' });
  assert.equal((await stat(join(etc, 'real'))).mode & 0o777, 0o640);
  assert.deepEqual(await readdir(join(context.root, 'berth/changes')), ['ledger.ndjson', 'lock']);
});

test('a file that changed since the plan is left alone, and so are all others of the plan', async () => {
  await using computer = await makeComputer();
  const plan = planOf(await computer.change('a', '1'), await computer.change('b', '2'));
  await writeFile(join(computer.etc, 'b'), 'somebody');

  await assert.rejects(apply(computer.context, plan), { code: 'CHANGE_STALE', message: /\/b changed since/ });

  assert.deepEqual(await computer.files(), { b: 'somebody' });
  assert.deepEqual(await readLedger(computer.context.root), []);
});

test('another plan than the one agreed to is refused', async () => {
  await using computer = await makeComputer();
  const agreed = planHash(planOf(await computer.change('a', '1')));

  await assert.rejects(applyPlan(computer.context, planOf(await computer.change('a', '2')), agreed), {
    code: 'CONSENT_NEEDED',
  });

  assert.deepEqual(await computer.files(), {});
});

for (const { name, more } of [
  { name: 'whose command fails', more: { activation: { kind: 'run', command: ['false'], undo: ['true'] } } },
  {
    name: 'whose proof fails',
    more: { proof: { kind: 'handshake', address: '127.0.0.1:1', bundle: '/etc/hostname' } },
  },
  {
    name: 'whose program is missing',
    more: { activation: { kind: 'run', command: ['no-such-program-x'], undo: ['true'] } },
  },
] as const) {
  test(`a plan with a change ${name} is taken back whole, and the ledger says why`, async () => {
    await using computer = await makeComputer();
    const { context, etc } = computer;
    await writeFile(join(etc, 'a'), 'old');
    const plan = planOf(await computer.change('a', 'new'), await computer.change('d/b', 'new', more));

    await assert.rejects(apply(context, plan), {
      code: 'CHANGE_FAILED',
      message: /The change was taken back\.$/,
    });

    assert.deepEqual([await computer.files(), await readdir(etc)], [{ a: 'old' }, ['a']]);
    const entries = await readLedger(context.root);
    assert.deepEqual(
      entries.map(({ state }) => state),
      ['rolledBack', 'rolledBack'],
    );
    assert.match(entries[0]?.reason ?? '', /failed/);
  });
}

test('commands run after the writing and after the undoing', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  const log = join(context.root, '..', 'log');
  const note = ['sh', '-c', `if [ -e ${etc}/a ]; then echo there; else echo gone; fi >>${log}`];
  const change = await computer.change('a', '1', { activation: { kind: 'run', command: note, undo: note } });

  await apply(context, planOf(change));
  await undoChange(context, 'c1');

  assert.equal(await readFile(log, 'utf8'), 'there\ngone\n');
});

test('what needs a restart is in place and says so; a restart that was agreed to is run', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  const restart = { kind: 'restart', command: ['touch', join(etc, 'restarted')], effect: 'stops' } as const;

  const [waiting] = await apply(context, planOf(await computer.change('a', '1', { activation: restart })));
  const before = await computer.files();
  const [restarted] = await apply(
    { ...context, mayRestart: true },
    planOf(await computer.change('b', '1', { activation: restart })),
  );

  assert.deepEqual([waiting?.result, before], ['restart', { a: '1' }]);
  assert.deepEqual(
    [restarted?.result, await computer.files()],
    ['applied', { a: '1', b: '1', restarted: '' }],
  );
});

test('applying and undoing twice changes nothing the second time', async () => {
  await using computer = await makeComputer();
  const { context } = computer;
  await apply(context, planOf(await computer.change('a', '1')));

  const [again] = await apply(context, planOf(await computer.change('a', '1')));
  await undoChange(context, 'c1');
  await writeFile(join(computer.etc, 'a'), '1');
  const undoneAgain = await undoChange(context, 'c1');

  assert.deepEqual([again?.result, undoneAgain.result], ['already', 'already']);
  assert.deepEqual(await computer.files(), { a: '1' });
  assert.equal((await readLedger(context.root)).length, 1);
});

test('places that cannot be edited safely are refused before anything is planned', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  await symlink('nowhere', join(etc, 'dangling'));
  await mkdir(join(etc, 'folder'));
  await writeFile(join(etc, 'large'), Buffer.alloc(1024 * 1024 + 1));
  const table = [
    ['dangling', /is a link to "nowhere"/],
    ['folder', /is not a file/],
    ['large', /larger than 1 MiB/],
  ] as const;

  for (const [name, message] of table) {
    const place = { kind: 'file', path: join(etc, name), mode: 0o644 } as const;
    const change: Change = { ...(await computer.change('x', '1')), place };
    await assert.rejects(apply(context, planOf(change)), { code: 'CHANGE_REFUSED', message });
  }

  assert.deepEqual(await readLedger(context.root), []);
});

test('certificate stores of programs are read, added to and removed from', async () => {
  await using computer = await makeComputer();
  const { context, etc } = computer;
  const store = join(etc, 'store.pem');
  const { certificate: pem } = makeAuthority({ hostname: 'test', names: [], now: Date.now() });
  const place = {
    kind: 'store',
    label: 'the test store',
    read: ['cat', store],
    add: ['tee', store],
    remove: ['rm', '-f', store],
  } as const;

  await apply(context, planOf({ ...(await computer.change('x', pem)), place, before: undefined }));
  const added = await readFile(store, 'utf8');
  await undoChange(context, 'c1');

  assert.equal(added, pem);
  assert.deepEqual(await readdir(etc), []);
});
