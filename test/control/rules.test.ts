/** Rules on a real registry: simulated, saved, followed, interrupted; and what clients are told. */
import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import type { AdminInput } from '../../registry/spec/admin-api.ts';
import type { TagRow, TrashRow } from '../../registry/spec/admin/content.ts';
import type { TagsPlan } from '../../registry/spec/admin/plans.ts';
import type { SimulationRow } from '../../registry/spec/admin/rules.ts';
import { type Berth, berthOn } from '../support/berth.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  descriptor,
  imageOf,
  ociManifest,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  sender,
  type Send,
} from '../wire/support.ts';

const env = { BERTH_STORAGE_SHORTESTLIFE: '1s' };

type Rules = AdminInput<'rules.set'>['rules'];

interface Place {
  readonly registry: TestRegistry;
  readonly send: Send;
  readonly berth: Berth;
  /** Writes rules into a file and answers its name. */
  readonly file: (rules: object) => Promise<string>;
  /** Saves rules after a simulation, past the command line. */
  readonly use: (rules: Rules) => Promise<void>;
  readonly tags: (repository: string) => Promise<readonly string[]>;
}

async function openOn(registry: TestRegistry, folder: string): Promise<Place> {
  const send = sender(registry);
  const berth = berthOn(registry.dataDir);
  let files = 0;
  const file = async (rules: object): Promise<string> => {
    const path = join(folder, `rules-${++files}.json`);
    await writeFile(path, JSON.stringify(rules));
    return path;
  };
  return {
    registry,
    send,
    berth,
    file,
    async use(rules) {
      using client = await openClient(registry.dataDir);
      const { outcome } = await client.call('rules.simulate', { rules });
      const confirmCount = outcome.deletedTags;
      await client.call('rules.set', { rules, plan: outcome.plan, confirmCount });
    },
    async tags(repository) {
      const answer = await send('GET', `/v2/${repository}/tags/list`);
      return answer.status === 404 ? [] : (answer.json() as { readonly tags: readonly string[] }).tags;
    },
  };
}

const ownImage = (text: string) => ({ more: { annotations: { text } } });
const none = { retention: [], protected: [], expiry: [], quotas: [] };

suite('rules on a running registry', () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  let place: Place;
  before(async () => {
    folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-rules-'))).path;
    const registry = resources.use(await startRegistry({ dataDir: join(folder, 'data'), env }));
    place = await openOn(registry, folder);
  });
  after(() => resources.disposeAsync());

  test('rules are simulated, saved by their plan, said as sentences, followed, and taken back from the trash', async () => {
    const { berth, send, use, tags } = place;
    for (const tag of ['v1', '1', '2', '3']) await pushImage(send, 'keep/app', tag, ownImage(tag));
    const rules = {
      retention: [
        {
          id: 'newest',
          repositories: ['keep/*'],
          keep: { newest: 1, pulledWithinDays: 0.000001 },
          never: ['v*'],
        },
      ],
    };

    const path = await place.file(rules);
    const shown = await berth.run('rules', 'simulate', path, '--all');
    const tagsBefore = await tags('keep/app');
    const { outcome } = (await berth.json('rules', 'set', path, '--dry-run')) as SimulationRow;
    await berth.run('rules', 'set', path, '--yes', '--plan', outcome.plan);
    const said = await berth.run('rules', 'ls');
    const ran = (await berth.json('rules', 'run')) as { readonly deletedTags: number };
    const tagsAfter = await tags('keep/app');
    const history = (await berth.json('history', 'keep/app:1')) as readonly { readonly by?: string }[];
    const trash = (await berth.json('trash', 'ls')) as readonly TrashRow[];
    await berth.run('restore', ...trash.map(({ id }) => id));

    assert.deepEqual(
      shown
        .split('\n')
        .map((line) => line.split('\t').slice(0, 3).join(' '))
        .slice(0, 4),
      [
        'keep keep/app:3 among the newest (newest)',
        'delete keep/app:2 not kept (newest)',
        'delete keep/app:1 not kept (newest)',
        'keep keep/app:v1 never deleted (newest)',
      ],
    );
    assert.match(shown, /^2 tags go, 2 stay; 2 manifests go with their last tag\.$/m);
    assert.deepEqual(
      [tagsBefore, tagsAfter],
      [
        ['1', '2', '3', 'v1'],
        ['3', 'v1'],
      ],
    );
    assert.equal(
      said,
      'newest\tKeep the newest tag matching * in keep/*. Delete the rest 0.000001 days after the last pull. Never delete v*.\n',
    );
    assert.deepEqual([ran.deletedTags, history[0]?.by], [2, 'rule newest']);
    assert.deepEqual(await tags('keep/app'), tagsBefore);
    await use(none);
  });

  test('rules are not saved without a simulation of exactly them, nor by one that is no longer true', async () => {
    const { berth, send, file } = place;
    await pushImage(send, 'stale/app', '1', ownImage('1'));
    await pushImage(send, 'stale/app', '2', ownImage('2'));
    const rules = { retention: [{ id: 'r', repositories: ['stale/*'], keep: { newest: 2 } }] };
    const path = await file(rules);
    const { outcome } = (await berth.json('rules', 'simulate', path)) as SimulationRow;

    const unseen = await berth.try('rules', 'set', path, '--yes');
    const other = await berth.try('rules', 'set', await file(none), '--yes', '--plan', outcome.plan);
    await pushImage(send, 'stale/app', '3', ownImage('3'));
    const late = await berth.try('rules', 'set', path, '--yes', '--plan', outcome.plan);
    const unasked = await berth.try('rules', 'set', path);

    assert.deepEqual([unseen.code, other.code, late.code, unasked.code], [2, 4, 4, 4]);
    assert.match(late.stderr, /^PLAN_STALE: .* they would delete 1 tags and keep \d+\.\n/);
    assert.match(unasked.stderr, /repeat the command with: --yes --plan [0-9a-f]{32}\n/);
    assert.deepEqual(await berth.json('rules', 'export'), none);
  });

  test('rules that leave nothing of a repository need the number of deletions', async () => {
    const { berth, send, file, use, tags } = place;
    for (const tag of ['1', '2']) await pushImage(send, 'all/app', tag, ownImage(tag));
    const rules = { retention: [{ id: 'all', repositories: ['all/*'] }] };
    const path = await file(rules);
    const { outcome } = (await berth.json('rules', 'simulate', path)) as SimulationRow;
    const agree = ['rules', 'set', path, '--yes', '--plan', outcome.plan];

    const silent = await berth.try(...agree);
    const wrong = await berth.try(...agree, '--count', '1');
    const left = await tags('all/app');
    await berth.run(...agree, '--count', '2');
    await berth.run('rules', 'run');

    assert.deepEqual([silent.code, wrong.code, left.length], [4, 4, 2]);
    assert.match(silent.stderr, /^COUNT_NEEDED: .* every tag of all\/app, 2 tags in all\.\n.*--count 2\n/);
    assert.deepEqual(await tags('all/app'), []);
    await use(none);
  });

  test('a tag that expires is told so, is gone on time by itself, and its image with it', async () => {
    const { send, berth, use, tags, registry } = place;
    await use({ expiry: [{ id: 'ttl', kind: 'suffix', repositories: ['ttl/*'] }] });
    await pushImage(send, 'ttl/app', 'pr-0-5h', ownImage('long'));
    const [row] = (await berth.json('tags', 'ttl/app')) as readonly TagRow[];
    const pushedAt = Date.now();

    const pushed = await putManifest(send, 'ttl/app', 'pr-1-5s', imageOf([], ownImage('pr').more));
    const early = await send('HEAD', '/v2/ttl/app/manifests/pr-1-5s');
    const seen = { warning: false, goneAt: 0 };
    while (seen.goneAt === 0 && Date.now() < pushedAt + 20_000) {
      const { status, headers } = await send('GET', '/v2/ttl/app/manifests/pr-1-5s');
      if ((headers['warning'] ?? '').includes('expires at')) seen.warning = true;
      if (status === 404) seen.goneAt = Date.now();
      else await delay(20);
    }
    // The tag goes first, then its image, then it is told.
    while (!registry.log().includes('tag expired') && Date.now() < pushedAt + 20_000) await delay(20);
    const digest = pushed.headers['docker-content-digest'];
    const byDigest = await send('HEAD', `/v2/ttl/app/manifests/${String(digest)}`);
    const history = (await berth.json('history', 'ttl/app:pr-1-5s')) as readonly { readonly by?: string }[];

    const end = /expires at (\S+) by the rule ttl/.exec(String(pushed.headers['warning']))?.[1] ?? '';
    assert.ok(row !== undefined);
    assert.equal(Date.parse(row.expiresAt ?? '') - Date.parse(row.pushedAt), 5 * 3_600_000);
    assert.equal(early.headers['warning'], undefined);
    assert.equal(seen.warning, true);
    assert.ok(seen.goneAt >= Date.parse(end), `${seen.goneAt - Date.parse(end)} ms after its end`);
    assert.ok(seen.goneAt < Date.parse(end) + 5000, `${seen.goneAt - Date.parse(end)} ms after its end`);
    assert.deepEqual([byDigest.status, await tags('ttl/app')], [404, ['pr-0-5h']]);
    assert.equal(history[0]?.by, 'rule ttl');
    assert.match(registry.log(), /tag expired/);
    await use(none);
  });

  test('a quota refuses with a sentence, early and exactly, warns before, and a delete makes room at once', async () => {
    const { send, berth, use } = place;
    const big = 'x'.repeat(6000);
    await use({ quotas: [{ id: 'small', repositories: 'quota/**', bytes: 10_000 }] });
    await pushImage(send, 'quota/app', '1', { layers: [big] });

    for (const blob of ['{}', `${big}y`]) await pushBlob(send, 'quota/web', blob);
    const refused = await putManifest(send, 'quota/web', '1', imageOf([`${big}y`]));
    await pushBlob(send, 'quota/app', 'z'.repeat(3000));
    const near = await putManifest(send, 'quota/app', '2', imageOf(['z'.repeat(3000)]));
    const usage = await berth.run('du');
    await use({ quotas: [{ id: 'small', repositories: 'quota/**', bytes: 100 }] });
    const early = await send('POST', '/v2/quota/app/blobs/uploads/');
    await use({ quotas: [{ id: 'small', repositories: 'quota/**', bytes: 10_000 }] });
    await berth.run('rm', 'quota/app:1');
    const again = await putManifest(send, 'quota/web', '1', imageOf([`${big}y`]));

    assert.deepEqual(
      [refusal(refused), near.status, refusal(early), again.status],
      ['403 DENIED', 201, '403 DENIED', 201],
    );
    assert.match(
      String(refused.body),
      /The quota small is used up: quota\/\*\* may take 10kB and takes 6\.\d+kB; this push needs 6\.\d+kB more\. Make room with berth rm/,
    );
    assert.match(
      String(near.headers['warning']),
      /the quota small is nearly full: 9\.\d+kB of 10kB are used/,
    );
    assert.match(usage, /^quota small: 9\.\d+kB of 10\.0kB$/m);
    await use(none);
  });

  test('tags are protected while it runs, by name or by pattern, and the rule is named', async () => {
    const { send, berth } = place;
    await pushImage(send, 'prot/app', 'v1.2', ownImage('1'));

    const said = await berth.run('protect', 'prot/app:v1.2');
    const moved = await putManifest(send, 'prot/app', 'v1.2', imageOf([], ownImage('2').more));
    const [row] = (await berth.json('tags', 'prot/app')) as readonly TagRow[];
    const listed = await berth.run('protect', 'ls');
    const misspelt = await berth.try('protect', 'rm', 'prot/ap:v1.2');
    await berth.run('protect', 'rm', 'prot/app:v1.2');
    const free = await putManifest(send, 'prot/app', 'v1.2', imageOf([], ownImage('2').more));

    assert.equal(
      said,
      "Protected: prot/app:v1.2. To protect all of its kind: berth protect add 'prot/app:v*'\n",
    );
    assert.deepEqual([refusal(moved), free.status, row?.protectedBy], ['403 DENIED', 201, 'prot/app:v1.2']);
    assert.match(String(moved.body), /protected by the rule prot\/app:v1\.2 /);
    assert.equal(listed, 'prot/app:v1.2\trules\n');
    assert.deepEqual(
      [misspelt.code, misspelt.stderr.split('\n')[0]],
      [5, 'RULE_UNKNOWN: There is no rule "prot/ap:v1.2"; did you mean prot/app:v1.2?'],
    );
  });

  test('a delete says first what goes and what stays', async () => {
    const { send, berth } = place;
    await pushImage(send, 'plan/app', '1', { layers: ['only in one'] });
    await pushImage(send, 'plan/app', '2', { layers: ['in two'] });
    await pushImage(send, 'plan/app', '3', { layers: ['in two'] });

    const said = await berth.run('rm', '--dry-run', 'plan/app:1', 'plan/app:2');
    const [plan] = (await berth.json('rm', '--dry-run', 'plan/app:2', 'plan/app:3')) as readonly TagsPlan[];
    const whole = await berth.run('rm', '--dry-run', 'plan/app');

    const one = imageOf(['only in one']).length + 'only in one'.length;
    const two = imageOf(['in two']).length + 'in two'.length;
    assert.match(said, new RegExp(`^plan/app: frees ${one}B with 1 manifests, once the trash is over$`, 'm'));
    assert.match(said, /^ {2}1 goes \(sha256:[0-9a-f]{12}\)$/m);
    assert.match(said, /^ {2}2 goes \(sha256:[0-9a-f]{12}\); the image stays, also 3$/m);
    assert.deepEqual([plan?.manifests, plan?.freedBytes], [1, two]);
    assert.match(whole, /^ {2}all of its 3 tags go$/m);
  });

  test('an unknown rule is told with the nearest, and a file that is no rules with the place', async () => {
    const { berth, file, use } = place;
    await use({ quotas: [{ id: 'nightly', repositories: '**', bytes: 1_000_000_000 }] });

    const unknown = await berth.try('rules', 'ls', 'nightli');
    const key = await berth.try('rules', 'simulate', await file({ retention: [{ id: 'a', repos: ['**'] }] }));
    const text = join(folder, 'text.json');
    await writeFile(text, '{\n  oops\n}');
    const noJson = await berth.try('rules', 'simulate', text);

    assert.deepEqual([unknown.code, key.code, noJson.code], [5, 2, 2]);
    assert.match(unknown.stderr, /^RULE_UNKNOWN: There is no rule "nightli"; did you mean nightly\?/);
    assert.match(key.stderr, /rules\.retention\.0/);
    assert.match(noJson.stderr, /^RULES_INVALID: .*line 2 column 3/);
    await use(none);
  });
});

test('rules outlive a restart, what expired meanwhile is gone after it, and a broken file is refused with the line', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-rules-'));
  const dataDir = join(directory.path, 'data');
  {
    await using first = await startRegistry({ dataDir, env });
    const place = await openOn(first, directory.path);
    await place.use({ expiry: [{ id: 'ttl', kind: 'suffix', repositories: ['**'] }], protected: ['app:v1'] });
    await pushImage(place.send, 'app', 'v1');
    await pushImage(place.send, 'app', 'x-2s', ownImage('x'));
    await first.kill('SIGKILL');
  }
  await delay(2000);

  {
    await using second = await startRegistry({ dataDir, env });
    const { berth, send, tags } = await openOn(second, directory.path);
    for (const deadline = Date.now() + 20_000; (await tags('app')).length > 1 && Date.now() < deadline;)
      await delay(20);
    const refused = await putManifest(send, 'app', 'v1', imageOf([], ownImage('other').more));
    assert.deepEqual([await tags('app'), refusal(refused)], [['v1'], '403 DENIED']);
    assert.match(await berth.run('rules', 'ls'), /^ttl\t.*\napp:v1\t/);
  }

  await writeFile(join(dataDir, 'berth', 'rules.json'), '{\n  "version": 1,\n  "quotas": 3\n}');
  await assert.rejects(startRegistry({ dataDir, env }), /RULES_INVALID: .*line 3, quotas: /);
  const kept = (await readdir(join(dataDir, 'berth'))).filter((name) => name.startsWith('rules.json.bak-'));
  assert.equal(kept.length, 1);
});

test('kill -9 while rules delete: only what was planned is gone, and all of it comes back', async (t) => {
  const count = 300;
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-rules-'));
  const dataDir = join(directory.path, 'data');
  const meant = new Map<string, string>();
  const planned = new Set<string>();
  {
    await using first = await startRegistry({ dataDir });
    const { send, use, berth } = await openOn(first, directory.path);
    await pushBlob(send, 'app', '{}');
    for (let at = 0; at < count; at++) {
      const tag = at % 3 === 0 ? `keep-${at}` : `pr-${at}`;
      const text = imageOf([], ownImage(tag).more);
      assert.equal((await putManifest(send, 'app', tag, text)).status, 201);
      meant.set(tag, descriptor(text).digest);
    }
    await use({ retention: [{ id: 'pr', repositories: ['app'], tags: ['pr-*'] }] });
    const { rows } = (await berth.json('rules', 'simulate')) as SimulationRow;
    for (const { tag } of rows) planned.add(tag);
    // After some entries lie in the trash.
    const trash = watch(join(dataDir, 'berth'), { recursive: true });
    let entries = 0;
    const killed = new Promise<void>((resolve) => {
      trash.on('change', (_, name) => {
        if (!String(name).startsWith('trash') || ++entries < 30) return;
        trash.close();
        void first.kill('SIGKILL').then(() => resolve());
      });
    });
    const run = berth.try('rules', 'run');
    await killed;
    assert.notEqual((await run).code, 0);
  }

  await using second = await startRegistry({ dataDir });
  const { berth, send, tags } = await openOn(second, directory.path);
  const left = new Set(await tags('app'));
  const gone = [...meant.keys()].filter((tag) => !left.has(tag));
  const trash = (await berth.json('trash', 'ls')) as readonly TrashRow[];
  const lying = new Set(trash.flatMap((row) => row.tags));
  assert.deepEqual(
    gone.filter((tag) => !planned.has(tag) || !lying.has(tag)),
    [],
  );
  if (trash.length > 0) await berth.run('restore', ...trash.map(({ id }) => id));
  for (const [tag, digest] of meant) {
    const { status, headers } = await send('GET', `/v2/app/manifests/${tag}`, {
      headers: { accept: ociManifest },
    });
    assert.deepEqual([tag, status, headers['docker-content-digest']], [tag, 200, digest]);
  }
  t.diagnostic(`${gone.length} of ${planned.size} planned deletions were done`);
  assert.ok(gone.length > 0 && gone.length < planned.size, `${gone.length} of ${planned.size}`);
});
