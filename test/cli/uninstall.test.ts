/** berth uninstall, and what is left where something cannot be taken back: on a home directory of its own. */
import assert from 'node:assert/strict';
import { access, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Change } from '../../main/engine/change.ts';
import { withLedger } from '../../main/engine/changes/ledger.ts';
import { autostartFile, setAutostart } from '../../main/engine/files/autostart.ts';
import { thisHost } from '../../main/engine/host.ts';
import { listLogins, saveLogin } from '../../main/engine/login/logins.ts';
import { type Berth, berthOn } from '../support/berth.ts';

const isLinux = process.platform === 'linux' ? {} : { skip: 'the start at login is a file on Linux alone' };

interface Computer extends AsyncDisposable {
  readonly berth: Berth;
  readonly root: string;
  /** Files that changes have put there, the oldest first. */
  readonly files: readonly [string, string, string];
  isThere(path: string): Promise<boolean>;
  readonly autostart: string;
  logins(): Promise<number>;
}

/** Three changes, a login and the start at login; no registry runs. */
async function prepare(): Promise<Computer> {
  await using cleanup = new AsyncDisposableStack();
  const { path: home } = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'berth-uninstall-')));
  const root = join(home, 'data');
  const host = thisHost({ HOME: home });
  const files = ['one', 'two', 'three'].map((name) => join(home, name)) as [string, string, string];
  for (const path of files) await change(root, path);
  await saveLogin(host, 'localhost:1', { user: 'dev', secret: 'x', tokenId: undefined });
  const autostart = autostartFile(join(home, '.config'));
  await setAutostart(autostart, ['berth']);
  const owned = cleanup.move();
  return {
    berth: berthOn(root, { HOME: home, PATH: '/usr/bin:/bin' }),
    root,
    files,
    autostart,
    isThere: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    logins: async () => (await listLogins(host)).length,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function change(root: string, path: string): Promise<void> {
  const bytes = Buffer.from('ours\n');
  const made: Change = {
    title: `A file for Podman`,
    engine: 'podman',
    address: 'localhost:1',
    place: { kind: 'file', path, mode: 0o600 },
    edit: { kind: 'whole' },
    before: undefined,
    after: bytes.toString('base64'),
    needsRoot: false,
    activation: { kind: 'none' },
    proof: { kind: 'none' },
    manual: [],
  };
  await withLedger(root, async (ledger) => {
    const id = await ledger.plan({ change: made, by: 'tester', folders: [], before: undefined });
    await writeFile(path, bytes);
    await ledger.append(id, { event: 'applied' });
  });
}

suite('berth uninstall', isLinux, () => {
  test('asks first: it shows all that it would take back, and without a yes nothing is', async () => {
    await using computer = await prepare();
    const { berth, files, autostart, root } = computer;

    const looked = await berth.run('uninstall', '--dry-run');
    const refused = await berth.try('uninstall');
    const unseen = await berth.try('uninstall', '--yes');
    const other = await berth.try('uninstall', '--yes', '--plan', '0123456789abcdef');

    for (const text of [...files, 'The login of dev at localhost:1', autostart, root])
      assert.ok(looked.includes(text), `${text} is not in ${looked}`);
    assert.deepEqual([refused.code, unseen.code, other.code], [4, 2, 4]);
    assert.match(refused.stderr, /--yes --plan [0-9a-f]{16}/);
    const kept = await Promise.all([...files, autostart].map((path) => computer.isThere(path)));
    assert.deepEqual([...kept, await computer.logins()], [true, true, true, true, 1]);
  });

  test('takes everything back, says what stays, and has nothing to do the next time', async (t) => {
    await using computer = await prepare();
    const { berth, files, autostart, root } = computer;

    const said = await berth.agree('uninstall');
    const again = await berth.run('uninstall');
    const json = await berth.json('uninstall');

    const kept = await Promise.all([...files, autostart].map((path) => computer.isThere(path)));
    assert.deepEqual([...kept, await computer.logins()], [false, false, false, false, 0]);
    assert.match(said, new RegExp(`are in ${root} until you delete that folder`));
    assert.equal(again, `Nothing of Berth is left outside of ${root}.\n`);
    assert.deepEqual(json, { takenBack: 0, left: [], stays: root });
    assert.ok(await computer.isThere(root));
    t.diagnostic(
      `after an uninstall ${kept.filter(Boolean).length} of ${kept.length} files and ${await computer.logins()} of 1 logins are left`,
    );
  });

  for (const verb of [['uninstall'], ['changes', 'undo', '--all']]) {
    test(`berth ${verb.join(' ')} takes back all but what others have edited, and says how that is done by hand`, async () => {
      await using computer = await prepare();
      const { berth, files } = computer;
      const [one, two, three] = files;
      await writeFile(two, 'theirs\n');

      const { plan } = (await berth.json('uninstall', '--dry-run')) as { readonly plan: string };
      const isAsked = verb.length === 1;
      const { code, stderr } = await berth.try(...verb, ...(isAsked ? ['--yes', '--plan', plan] : []));
      const kept = await Promise.all([one, three].map((path) => computer.isThere(path)));

      assert.deepEqual([code, ...kept], [1, false, false]);
      assert.equal(await readFile(two, 'utf8'), 'theirs\n');
      assert.match(stderr, /^CHANGE_FAILED: 1 could not be taken back:$/m);
      assert.match(stderr, /^ {2}c2 {2}A file for Podman: Somebody else edited .*two/m);
      assert.match(stderr, new RegExp(`^ +rm ${two}$`, 'm'));
      if (isAsked)
        assert.deepEqual([await computer.isThere(computer.autostart), await computer.logins()], [false, 0]);
      // Once their edit is gone.
      await writeFile(two, 'ours\n');
      await berth.run('changes', 'undo', '--all');
      assert.equal(await computer.isThere(two), false);
    });
  }
});
