/** What the control plane says and does of manifests without a tag, of tags that expire, and of what it announces. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type TarInput, writeTar } from '../../registry/archive/tar.ts';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import type { FeedItem } from '../../registry/spec/admin-api.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { type Berth, berthOn } from '../support/berth.ts';
import { type Descriptor, digestOf, type Pusher, pushInto } from '../support/content.ts';
import { request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const patienceMs = 30_000;

let registry: TestRegistry;
let berth: Berth;
let client: AdminClient;
const cleanup = new AsyncDisposableStack();

before(async () => {
  registry = cleanup.use(await startRegistry());
  berth = berthOn(registry.dataDir);
  client = cleanup.use(await openClient(registry.dataDir));
});
after(() => cleanup.disposeAsync());

function file(name: string, text: string): TarInput {
  return { name, bytes: Buffer.from(text) };
}

interface Family {
  readonly children: readonly Descriptor[];
  readonly index: Descriptor;
}

/** An index of two images, none of which has a tag. */
async function pushFamily(pusher: Pusher): Promise<Family> {
  const children: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const made = await pusher.image({
      layers: [Buffer.from(`layer of ${architecture}`)],
      config: { os: 'linux', architecture },
    });
    children.push({ ...made, platform: { os: 'linux', architecture } });
  }
  return { children, index: await pusher.manifest({ manifests: children }) };
}

async function digestsIn(repository: string): Promise<readonly string[]> {
  const { rows } = await client.call('manifests.list', { repository });
  return rows.map(({ digest }) => digest).toSorted();
}

/** Reads the feed until an item is wanted, and answers that one. */
async function nextItem(
  isWanted: (item: FeedItem) => boolean,
  act: () => Promise<unknown>,
): Promise<FeedItem> {
  const feed = client.subscribe('feed', {}, { signal: AbortSignal.timeout(patienceMs) });
  const reading = feed[Symbol.asyncIterator]();
  const found = (async () => {
    for (;;) {
      const { value, done } = await reading.next();
      if (done === true) throw new Error('the feed has ended');
      const item = value.find(isWanted);
      if (item !== undefined) return item;
    }
  })();
  // Subscribed once the connection has answered what was asked behind it.
  await client.call('status.get', {});
  await act();
  const item = await found;
  await reading.return?.();
  return item;
}

test('a plan says which untagged manifests go, which stay and why, and what that frees', async () => {
  const pusher = pushInto(registry, 'plan/app');
  const { children, index } = await pushFamily(pusher);
  const [one = index, other = index] = children;
  const tagged = await pusher.image({ layers: [Buffer.from('a layer with a tag')] }, '1');
  const lone = await pusher.image({ layers: [Buffer.from('twelve bytes')], config: { lone: true } });
  const planOf = (...digests: readonly Descriptor[]) =>
    client.call('manifests.plan', { repository: 'plan/app', digests: digests.map(({ digest }) => digest) });

  const [mixed, whole] = await Promise.all([planOf(one, tagged, lone), planOf(one, index)]);

  const said = (plan: typeof mixed, { digest }: Descriptor) => {
    const row = plan.rows.find((each) => each.digest === digest);
    return [row?.keptBy, row?.keptFor];
  };
  assert.deepEqual(
    [one, tagged, lone].map((each) => said(mixed, each)),
    [
      ['index', index.digest],
      ['tag', '1'],
      [undefined, undefined],
    ],
  );
  assert.deepEqual([mixed.manifests, whole.manifests], [1, 3]);
  assert.equal(mixed.freedBytes, lone.size + 12 + JSON.stringify({ lone: true }).length);
  assert.deepEqual(
    [said(whole, one), said(whole, index)],
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
  assert.notEqual(mixed.plan, whole.plan);
  await assert.rejects(planOf({ ...other, digest: digestOf('nothing') }), (error) =>
    isAppError(error, 'MANIFEST_UNKNOWN'),
  );
});

test('untagged manifests are deleted by their plan alone, with what only they list, and come back', async () => {
  const pusher = pushInto(registry, 'delete/app');
  const { children, index } = await pushFamily(pusher);
  const kept = await pusher.image({ layers: [Buffer.from('kept')] }, 'kept');
  const all = await digestsIn('delete/app');
  const asked = { repository: 'delete/app', digests: [index.digest] };
  const { plan } = await client.call('manifests.plan', asked);

  await assert.rejects(client.call('manifests.delete', { ...asked, plan: 'another' }), (error) =>
    isAppError(error, 'PLAN_STALE'),
  );
  const done = await client.call('manifests.delete', { ...asked, plan });

  assert.deepEqual([done.deleted, done.kept, done.trash.length], [[index.digest], [], 1]);
  assert.deepEqual(await digestsIn('delete/app'), [kept.digest]);
  await client.call('trash.restore', { id: done.trash[0] ?? '' });
  assert.deepEqual(await digestsIn('delete/app'), all);

  // Somebody gives it a tag: what the plan said is no longer so.
  const again = await client.call('manifests.plan', asked);
  await client.call('tags.set', { repository: 'delete/app', tag: 'now', digest: index.digest });
  await assert.rejects(client.call('manifests.delete', { ...asked, plan: again.plan }), (error) =>
    isAppError(error, 'PLAN_STALE'),
  );
  assert.deepEqual(await digestsIn('delete/app'), all);
  assert.equal(children.length, 2);
});

test('the command line deletes by digest, and says why it does not', async () => {
  const pusher = pushInto(registry, 'cli/app');
  const { children, index } = await pushFamily(pusher);
  const tagged = await pusher.image({ layers: [Buffer.from('tagged')] }, 'v1');
  const nameOf = ({ digest }: Descriptor): string => `cli/app@${digest}`;
  const [child = index] = children;

  const planned = await berth.run('rm', nameOf(index), nameOf(child), '--dry-run');
  const refusedChild = await berth.try('rm', nameOf(child));
  const refusedTag = await berth.try('rm', nameOf(tagged));
  const wrong = await berth.try('rm', 'cli/app@sha256:12');
  const former = await digestsIn('cli/app');
  const done = await berth.run('rm', nameOf(index));

  assert.match(planned, new RegExp(`^cli/app: frees .* with 3 manifests`));
  assert.match(planned, new RegExp(`  ${index.digest} goes\n`));
  assert.match(planned, new RegExp(`  ${child.digest} goes\n`));
  assert.deepEqual([refusedChild.code, refusedTag.code, wrong.code], [1, 1, 2]);
  assert.match(refusedChild.stderr, new RegExp(`stays: the index ${index.digest} lists it`));
  assert.match(refusedTag.stderr, /stays: it has the tag v1.*\n.*berth rm cli\/app:v1/s);
  assert.equal(former.length, 4);
  assert.match(done, /^Deleted cli\/app@sha256:[0-9a-f]{64}\. Restore it with: berth restore \S+\n$/);
  assert.deepEqual(await digestsIn('cli/app'), [tagged.digest]);
});

test('tags that expire soon are told over all repositories, the next first', async () => {
  for (const [repository, tag] of [
    ['ttl/one', 'late-20h'],
    ['ttl/two', 'soon-2h'],
    ['ttl/two', 'never'],
    ['ttl/two', 'next-week-6d'],
    ['kept/one', 'soon-1h'],
  ] as const)
    await pushInto(registry, repository).image({ layers: [Buffer.from(`${repository} ${tag}`)] }, tag);
  const rules = {
    expiry: [{ id: 'ttl', kind: 'suffix' as const, repositories: ['ttl/**'], enabled: true }],
  };
  const { outcome } = await client.call('rules.simulate', { rules });
  await client.call('rules.set', { rules, plan: outcome.plan });

  const day = await client.call('rules.expiring', {});
  const week = await client.call('rules.expiring', { withinMs: 7 * 24 * 60 * 60 * 1000, limit: 1 });
  const printed = await berth.run('rules', 'expiring', '--within', '7d');

  assert.deepEqual(
    day.rows.map(({ repository, tag, rule }) => [repository, tag, rule]),
    [
      ['ttl/two', 'soon-2h', 'ttl'],
      ['ttl/one', 'late-20h', 'ttl'],
    ],
  );
  assert.deepEqual([day.total, week.total, week.rows.map(({ tag }) => tag)], [2, 3, ['soon-2h']]);
  assert.deepEqual(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]),
    ['ttl/two:soon-2h', 'ttl/one:late-20h', 'ttl/two:next-week-6d'],
  );
  assert.equal((await berth.try('rules', 'expiring', '--within', 'soon')).code, 2);
});

test('what a layer takes away from those below is counted whole', async () => {
  const pusher = pushInto(registry, 'wasted/app');
  const base = gzipSync(
    writeTar([
      file('etc/motd', 'five!'),
      file('doc/a', 'seven..'),
      file('doc/deep/b', '11 of them.'),
      file('var/log', 'thirteen byte'),
      file('bin/sh', 'a shell'),
    ]),
  );
  const middle = gzipSync(writeTar([file('etc/motd', 'eight...'), file('doc/a', '')]));
  // It replaces one file, removes a directory and one file of it that is gone already, and hides what another has.
  const top = gzipSync(
    writeTar([
      file('etc/motd', 'new'),
      { name: '.wh.doc' },
      file('var/new', 'n'),
      { name: 'var/.wh..wh..opq' },
    ]),
  );
  const image = await pusher.image({ layers: [base, middle, top] }, '1');
  const wastedBy = async (layer: Buffer): Promise<number> => {
    const asked = { repository: 'wasted/app', digest: digestOf(layer), image: image.digest };
    return (await client.call('layers.wasted', asked)).wastedBytes;
  };

  assert.deepEqual(await Promise.all([base, middle, top].map(wastedBy)), [0, 5 + 7, 8 + 11 + 13]);
});

test('an upload that begins, and one that is cancelled, are announced', async () => {
  const begin = async (): Promise<string> => {
    const answer = await request(registry.plainUrl, { method: 'POST', path: '/v2/begun/app/blobs/uploads/' });
    assert.equal(answer.status, 202);
    const { pathname, search } = new URL(String(answer.headers['location']), registry.plainUrl);
    return `${pathname}${search}`;
  };
  let path = '';

  const started = await nextItem(
    ({ kind }) => kind === 'uploadStarted',
    async () => {
      path = await begin();
    },
  );
  const ended = await nextItem(
    ({ kind }) => kind === 'uploadEnded',
    () => request(registry.plainUrl, { method: 'DELETE', path }),
  );
  await begin();
  const purged = await nextItem(
    ({ kind }) => kind === 'uploadEnded',
    () => client.call('uploads.purge', { ageMs: 0 }),
  );

  assert.deepEqual(
    [started, ended, purged].map(({ repository }) => repository),
    ['begun/app', 'begun/app', 'begun/app'],
  );
});

test('pulls are in the counts soon while somebody looks, and that is announced', async () => {
  await pushInto(registry, 'pulled/app').image({ layers: [Buffer.from('pulled')] }, '1');
  const since = performance.now();

  const { names } = await nextItem(
    ({ kind, names: of }) => kind === 'pullsCounted' && of?.includes('pulled/app') === true,
    () => request(registry.plainUrl, { path: '/v2/pulled/app/manifests/1' }),
  );

  // Without that it would be the next time of those that come every 30 seconds.
  assert.ok(performance.now() - since < 8000);
  const { rows } = await client.call('tags.list', { repository: 'pulled/app' });
  assert.deepEqual([names, rows[0]?.pullCount], [['pulled/app'], 1]);
});
