import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Driver } from '../driver/driver.ts';
import type { DamageState, ScrubRun } from '../spec/admin/integrity.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { blobData, layerLink, quarantined, revisionLink, scrubState } from './paths.ts';
import {
  actor,
  collect,
  descriptorOf,
  drivers,
  keysBelow,
  manifestOf,
  type OpenStore,
  openStore,
  pushBlob,
  pushImage,
  putManifest,
  readBlob,
  repository,
  sha,
} from './store.suite.ts';
import type { Store } from './store.ts';

const { signal } = new AbortController();
const runs = Number(process.env['SCRUB_RUNS'] ?? 40);
const many = Number(process.env['SCRUB_BLOBS'] ?? 400);
const kinds = Object.keys(drivers) as (keyof typeof drivers)[];
const whole = { quarantined: 0, missing: 0, unlinked: 0, unreadable: 0, danglingLinks: 0 };

async function flip(driver: Driver, digest: Digest): Promise<void> {
  const bytes = Buffer.from((await driver.readSmall(blobData(digest), { limit: 1e6 })) ?? []);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await driver.write(blobData(digest), bytes);
}

/** The findings of a run without its times and sums. */
function found({ finishedAt, quarantined: aside, missing, unlinked, unreadable, danglingLinks }: ScrubRun) {
  assert.ok(finishedAt !== undefined);
  return { quarantined: aside, missing, unlinked, unreadable, danglingLinks };
}

const records = async ({ damage }: Store) =>
  (await collect(damage.all())).map(({ digest, state, repositories }) => [digest, state, repositories]);

for (const on of kinds) {
  test(`${on}: other bytes are put aside, HEAD does not find them, and a push heals`, async () => {
    await using open = await openStore({ on });
    const { store, driver, told } = open;
    const layer = await pushBlob(store, repository, 'a layer');
    const image = manifestOf({ config: descriptorOf('{}'), layers: [descriptorOf('a layer')] });
    await pushBlob(store, repository, '{}');
    const manifest = (await putManifest(store, image, { tags: ['1'] })).digest;
    // It is remembered from here on, and must be forgotten.
    await store.manifests.find(repository, { kind: 'tag', tag: '1' as Tag });
    await flip(driver, layer);
    await flip(driver, manifest);

    const first = await store.scrubber.run({ signal });
    const seen = [
      await store.blobs.find(repository, layer),
      await store.manifests.find(repository, { kind: 'tag', tag: '1' as Tag }),
    ];
    const aside = await store.damage.quarantinedBytes();
    await pushBlob(store, repository, 'a layer');
    await putManifest(store, image, { tags: ['1'] });
    const healed = (await collect(store.damage.all())).map(({ state }) => state);
    const second = await store.scrubber.run({ signal });

    assert.deepEqual(found(first), { ...whole, quarantined: 2 });
    assert.deepEqual([first.blobs, first.bytes], [3, image.length + 9]);
    assert.deepEqual(seen, [undefined, undefined]);
    assert.equal(aside, image.length + 7);
    assert.deepEqual(healed, ['healed', 'healed']);
    assert.deepEqual(found(second), whole);
    assert.deepEqual(await records(store), []);
    assert.deepEqual(await keysBelow(driver, 'berth/quarantine'), []);
    assert.equal(String(await readBlob(store, layer)), 'a layer');
    assert.deepEqual(
      told.filter(([name]) => /^blob(?:Damaged|Healed)$/.test(name)).map(([name]) => name),
      ['blobDamaged', 'blobDamaged', 'blobHealed', 'blobHealed'],
    );
  });
}

test('damage that nobody has pushed again is found by each run, until it is forgotten', async () => {
  await using open = await openStore();
  const { store, driver } = open;
  await pushImage(store, { seed: 'x', tags: ['1'] });
  const config = sha('{"seed":"x"}');
  await flip(driver, config);

  const first = await store.scrubber.run({ signal });
  const second = await store.scrubber.run({ signal });
  const some = await store.scrubber.run({ signal, repositories: [repository] });
  const isForgotten = await store.damage.forget(config);
  const again = await store.damage.forget(config);

  const want = { ...whole, quarantined: 1 };
  assert.deepEqual([found(first), found(second), found(some)], [want, want, want]);
  assert.deepEqual([isForgotten, again], [true, false]);
  assert.deepEqual(await keysBelow(driver, 'berth/quarantine'), []);
  // It is missing all the same.
  assert.deepEqual(found(await store.scrubber.run({ signal })), { ...whole, missing: 1 });
});

test('a damaged manifest that was remembered is not found any more, long before the run has ended', async () => {
  await using open = await openStore();
  const { store, driver } = open;
  const images: Digest[] = [];
  for (const seed of ['a', 'b', 'c', 'd']) images.push(await pushImage(store, { seed, tags: [seed] }));
  const find = (digest: Digest) => store.manifests.find(repository, { kind: 'digest', digest });
  for (const digest of images) {
    await find(digest);
    await flip(driver, digest);
  }
  const controller = new AbortController();
  let reads = 0;
  const onProgress = (): void => {
    if (++reads === 8) controller.abort();
  };

  await assert.rejects(store.scrubber.run({ signal: controller.signal, onProgress }), { code: 'CANCELLED' });

  const aside = (await collect(store.damage.all())).map(({ digest }) => digest);
  assert.ok(aside.length >= 3, aside.join());
  for (const digest of aside) assert.equal(await find(digest), undefined);
});

test('what is known of content that no image needs any more goes, with its bytes', async () => {
  await using open = await openStore({ trashKeepMs: 0 });
  const { store, driver } = open;
  const [one, two] = [
    await pushImage(store, { seed: 'one', tags: ['1'] }),
    await pushImage(store, { seed: 'two', tags: ['2'] }),
  ];
  await flip(driver, sha('{"seed":"one"}'));
  await driver.remove(layerLink(repository, sha('{"seed":"two"}')));
  const before = found(await store.scrubber.run({ signal }));
  for (const digest of [one, two]) await store.manifests.remove(repository, digest, actor);

  const after = found(await store.scrubber.run({ signal }));

  assert.deepEqual(before, { ...whole, quarantined: 1, unlinked: 1 });
  assert.deepEqual(after, { ...whole, danglingLinks: 1 });
  assert.deepEqual(await records(store), []);
  assert.deepEqual(await keysBelow(driver, 'berth/quarantine'), []);
});

test('a push that fails at the disk leaves the record open', async () => {
  let isFull = false;
  await using open = await openStore({
    before: ({ call, key }) => {
      if (isFull && call === 'commit' && key.includes('/blobs/')) throw new AppError('STORAGE_FULL');
    },
  });
  const { store, driver } = open;
  await pushImage(store, { seed: 'x', tags: ['1'] });
  const config = sha('{"seed":"x"}');
  await flip(driver, config);
  await store.scrubber.run({ signal });
  isFull = true;

  await assert.rejects(pushBlob(store, repository, '{"seed":"x"}'), { code: 'STORAGE_FULL' });

  assert.equal((await store.damage.find(config))?.state, 'quarantined');
  assert.equal(await store.blobs.find(repository, config), undefined);
});

/** A driver on which a key cannot be read. */
function failing(driver: Driver, key: string, code: () => string | undefined): Driver {
  return {
    ...driver,
    async open(asked) {
      const reader = await driver.open(asked);
      if (asked !== key || reader === undefined) return reader;
      return {
        ...reader,
        async read(into, position) {
          const failure = code();
          if (failure === undefined) return await reader.read(into, position);
          throw new AppError('STORAGE_FAILED', {
            cause: Object.assign(new Error(failure), { code: failure }),
          });
        },
      };
    },
  };
}

test('bytes that the disk does not give are left in place and told; a push stores them again', async () => {
  const config = sha('{"seed":"x"}');
  let code: string | undefined;
  const wrap = (driver: Driver): Driver => failing(driver, blobData(config), () => code);
  await using open = await openStore({ wrap });
  const { store, driver } = open;
  await pushImage(store, { seed: 'x', tags: ['1'] });

  code = 'EMFILE';
  await assert.rejects(store.scrubber.run({ signal }), { code: 'STORAGE_FAILED' });
  const none = await records(store);
  code = 'EIO';
  const run = await store.scrubber.run({ signal });
  const state = (await store.damage.find(config))?.state;
  const kept = await driver.stat(blobData(config));
  await pushBlob(store, repository, '{"seed":"x"}');
  const healed = (await store.damage.find(config))?.state;
  code = undefined;
  const last = await store.scrubber.run({ signal });

  assert.deepEqual(none, []);
  assert.deepEqual(found(run), { ...whole, unreadable: 1 });
  assert.deepEqual([state, kept?.size, healed], ['unreadable', 12, 'healed']);
  assert.deepEqual(found(last), whole);
  assert.deepEqual(await records(store), []);
});

test('a run that is cut goes on after a restart where it was, and finds what is left', async () => {
  await using open = await openStore();
  const { store, driver } = open;
  const layers = Array.from({ length: 40 }, (_, at) => `layer ${at}`);
  for (const text of ['{}', ...layers]) await pushBlob(store, repository, text);
  await putManifest(
    store,
    manifestOf({ config: descriptorOf('{}'), layers: layers.map((text) => descriptorOf(text)) }),
    { tags: ['1'] },
  );
  for (const text of layers) await flip(driver, sha(text));
  const controller = new AbortController();
  let reads = 0;
  const onProgress = (): void => {
    if (++reads === 20) controller.abort();
  };

  await assert.rejects(store.scrubber.run({ signal: controller.signal, onProgress }), { code: 'CANCELLED' });
  const restarted = open.restart();
  const { current } = await restarted.scrubber.state();
  const rest: number[] = [];
  const run = await restarted.scrubber.run({ signal, onProgress: (bytes) => void rest.push(bytes) });
  const { current: none, last } = await restarted.scrubber.state();

  assert.ok(current !== undefined && current.blobs > 10 && current.blobs < 20, JSON.stringify(current));
  assert.equal(current.blobs + rest.length, 42);
  assert.equal(run.blobs, 42);
  assert.equal(run.startedAt, current.startedAt);
  assert.deepEqual(found(run), { ...whole, quarantined: 40 });
  assert.deepEqual([none, last], [undefined, run]);
});

test('an old place, and one that cannot be read, are not gone on from', async () => {
  await using open = await openStore();
  const { store, driver } = open;
  await pushImage(store, { tags: ['1'] });
  const after = `sha256:${'f'.repeat(64)}`;
  const current = { startedAt: '2026-01-01T00:00:00.000Z', blobs: 7, bytes: 7, ...whole };
  const place = JSON.stringify({ current, after });

  const blobs: number[] = [];
  for (const text of [place, '', '{', '[]', 'null', place.slice(0, 40)]) {
    await driver.write(scrubState, Buffer.from(text));
    const run = await store.scrubber.run({ signal, continueSince: Date.parse('2026-01-02T00:00:00.000Z') });
    blobs.push(run.blobs);
  }
  await driver.write(scrubState, Buffer.from(place));
  const { blobs: continued } = await store.scrubber.run({ signal });

  assert.deepEqual(blobs, [2, 2, 2, 2, 2, 2]);
  assert.equal(continued, 7);
});

test('the rate is kept, and while clients transfer it is far less', async () => {
  await using open = await openStore();
  const { store } = open;
  await pushBlob(store, repository, Buffer.alloc(1024 * 1024));
  const timed = async (options: object): Promise<number> => {
    const startedAt = performance.now();
    await store.scrubber.run({ signal, ...options });
    return performance.now() - startedAt;
  };
  let busy = 3;

  const limited = await timed({ rate: () => 4 * 1024 * 1024 });
  const polite = await timed({ isBusy: () => --busy >= 0 });

  // A quarter of a second, less the credit; three pauses of a tenth.
  assert.ok(limited >= 140, `${limited} ms`);
  assert.ok(polite >= 290, `${polite} ms`);
});

test('others run while a large blob is hashed', async (t) => {
  await using open = await openStore({ on: 'fs' });
  const { store } = open;
  await pushBlob(store, repository, Buffer.alloc(64 * 1024 * 1024));
  const delay = monitorEventLoopDelay({ resolution: 1 });

  delay.enable();
  const startedAt = performance.now();
  await store.scrubber.run({ signal });
  const ms = performance.now() - startedAt;
  delay.disable();

  // Each turn hashes 64 KiB.
  const p99 = delay.percentile(99) / 1e6;
  t.diagnostic(`64 MiB in ${ms.toFixed(0)} ms, event loop delay p99 ${p99.toFixed(1)} ms`);
  assert.ok(p99 < 100, `${p99} ms`);
});

test('what the collector or a user removes meanwhile is no damage', async () => {
  await using open = await openStore({ trashKeepMs: 0, collect: { graceMs: 0, quarantineMs: 0 } });
  const { store, driver } = open;
  const manifest = await pushImage(store, { seed: 'x', tags: ['1'] });
  let isRemoved = false;
  const onProgress = (): void => {
    isRemoved = true;
  };
  const stat = driver.stat.bind(driver);
  // Between the look for the config and the next look at the manifest, both go.
  driver.stat = async (key) => {
    if (isRemoved && key === blobData(sha('{"seed":"x"}'))) {
      isRemoved = false;
      await driver.remove(blobData(sha('{"seed":"x"}')));
      await store.manifests.remove(repository, manifest, actor);
    }
    return await stat(key);
  };

  const run = await store.scrubber.run({ signal, onProgress });

  assert.deepEqual([isRemoved, found(run)], [false, { ...whole, danglingLinks: 1 }]);
  assert.deepEqual(await records(store), []);
});

test(`${many / 10} of ${many} blobs with a flipped bit: all are found, none is served whole, a push heals each`, async () => {
  await using open = await openStore();
  const { store, driver } = open;
  await pushBlob(store, repository, '{}');
  const layers = Array.from({ length: many }, (_, at) => `layer ${at}`);
  for (const text of layers) await pushBlob(store, repository, text);
  for (let at = 0; at < many; at += 100) {
    const some = layers.slice(at, at + 100).map((text) => descriptorOf(text));
    await putManifest(store, manifestOf({ config: descriptorOf('{}'), layers: some }), { tags: [`${at}`] });
  }
  const damaged = layers.filter((_, at) => at % 10 === 0);
  for (const text of damaged) await flip(driver, sha(text));

  const run = await store.scrubber.run({ signal });
  const served = await Promise.all(damaged.map((text) => readBlob(store, sha(text)).catch(() => undefined)));
  for (const text of damaged) await pushBlob(store, repository, text);
  const after = await store.scrubber.run({ signal });

  assert.deepEqual(found(run), { ...whole, quarantined: many / 10 });
  assert.equal(served.filter((bytes) => bytes !== undefined).length, 0);
  assert.deepEqual(found(after), whole);
  assert.deepEqual(await records(store), []);
});

// --- any set of faults: the oracle knows what was pushed and what was done to it ---

const names = ['a', 'b/c'] as readonly string[] as readonly RepoName[];
const seeds = [0, 1, 2];

interface Pushed {
  readonly name: RepoName;
  readonly digest: Digest;
  readonly parts: readonly Digest[];
  readonly isTagged: boolean;
}

async function pushAll(store: Store): Promise<readonly Pushed[]> {
  const pushed: Pushed[] = [];
  for (const name of names) {
    for (const seed of seeds) {
      const texts = [`{"seed":${seed}}`, `shared by some ${seed % 2}`, `only of ${seed}`];
      for (const text of texts) await pushBlob(store, name, text);
      const [config = '', ...layers] = texts;
      const bytes = manifestOf({
        config: descriptorOf(config),
        layers: layers.map((text) => descriptorOf(text)),
      });
      const isTagged = seed > 0;
      const { digest } = await putManifest(store, bytes, { name, tags: isTagged ? [`t${seed}`] : [] });
      pushed.push({ name, digest, parts: texts.map((text) => sha(text)), isTagged });
    }
    const images = pushed.filter((each) => each.name === name).slice(0, 2);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifests = images.map(({ digest }) => ({ mediaType, digest, size: 1 }));
    const { digest } = await putManifest(store, manifestOf({ manifests }), { name, tags: ['index'] });
    pushed.push({ name, digest, parts: images.map((each) => each.digest), isTagged: true });
  }
  return pushed;
}

const fault = fc.record({
  do: fc.constantFrom('flip', 'cut', 'empty', 'swap', 'remove', 'unlink'),
  at: fc.nat(),
  other: fc.nat(),
});

/** What must be found: the digests that a repository needs and cannot give, by what is wrong with them. */
async function expectedOf(
  pushed: readonly Pushed[],
  { driver }: OpenStore,
): Promise<ReadonlyMap<Digest, DamageState>> {
  const stateOf = new Map<Digest, DamageState>();
  for (const digest of new Set(pushed.flatMap((each) => [each.digest, ...each.parts]))) {
    const bytes = await driver.readSmall(blobData(digest), { limit: 1e6 });
    if (bytes === undefined) stateOf.set(digest, 'missing');
    else if (sha(bytes) !== digest) stateOf.set(digest, 'quarantined');
  }
  const expected = new Map<Digest, DamageState>();
  for (const { name, digest, parts, isTagged } of pushed) {
    const isLinked = (await driver.stat(revisionLink(name, digest))) !== undefined;
    const need = async (each: Digest, hasLink: boolean): Promise<void> => {
      const state = stateOf.get(each) ?? (hasLink ? undefined : 'unlinked');
      if (state !== undefined) expected.set(each, state);
    };
    if (isLinked || isTagged) await need(digest, isLinked);
    if (!isLinked || stateOf.has(digest)) continue;
    for (const part of parts) {
      const links = [layerLink(name, part), revisionLink(name, part)];
      const there = await Promise.all(links.map((key) => driver.stat(key)));
      await need(
        part,
        there.some((info) => info !== undefined),
      );
    }
  }
  // Nobody knows what an unreadable manifest needs: what its repository links stays known.
  for (const { name, digest } of pushed) {
    if (!stateOf.has(digest) || (await driver.stat(revisionLink(name, digest))) === undefined) continue;
    for (const [each, state] of stateOf) {
      const isLinked = (await driver.stat(layerLink(name, each))) !== undefined;
      if (isLinked && state === 'quarantined') expected.set(each, state);
    }
  }
  return expected;
}

test(`exactly what was damaged is found, in ${runs} sets of faults`, async (t) => {
  const seed = Number(process.env['SCRUB_SEED'] ?? Date.now() % 1e9);
  t.diagnostic(`SCRUB_SEED=${seed}`);
  const property = fc.asyncProperty(
    fc.array(fault, { maxLength: 8 }),
    fc.boolean(),
    async (faults, isRead) => {
      await using open = await openStore();
      const { store, driver } = open;
      const pushed = await pushAll(store);
      const digests = [...new Set(pushed.flatMap((each) => [each.digest, ...each.parts]))];
      const links = pushed.flatMap(({ name, digest, parts }) => [
        revisionLink(name, digest),
        ...parts.map((part) => layerLink(name, part)),
      ]);
      // Manifests that were read are remembered, which must not hide what the disk has.
      if (isRead) {
        for (const { name, digest } of pushed) await store.manifests.find(name, { kind: 'digest', digest });
      }
      for (const { do: kind, at, other } of faults) {
        const key = blobData(digests[at % digests.length] ?? sha(''));
        const bytes = Buffer.from((await driver.readSmall(key, { limit: 1e6 })) ?? []);
        const second = blobData(digests[other % digests.length] ?? sha(''));
        const bytesOfSecond = await driver.readSmall(second, { limit: 1e6 });
        if (kind === 'unlink') await driver.remove(links[at % links.length] ?? '');
        else if (bytes.length === 0 || bytesOfSecond === undefined) continue;
        else if (kind === 'remove') await driver.remove(key);
        else if (kind === 'cut') await driver.write(key, bytes.subarray(0, bytes.length - 1));
        else if (kind === 'empty') await driver.write(key, Buffer.of());
        else if (kind === 'swap') {
          await driver.write(key, bytesOfSecond);
          await driver.write(second, bytes);
        } else await driver.write(key, Buffer.from([bytes[0] ?? 0 ^ 1, ...bytes.subarray(1)].toReversed()));
      }
      const expected = await expectedOf(pushed, open);
      const altered = digests.filter((digest) => expected.get(digest) === 'quarantined').length;

      const run = await store.scrubber.run({ signal });
      const seen = await collect(store.damage.all());
      const again = await store.scrubber.run({ signal });

      const sorted = [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(
        seen.map(({ digest, state }) => [digest, state]),
        sorted,
      );
      assert.ok(run.quarantined >= altered);
      const count = (state: DamageState): number => sorted.filter(([, each]) => each === state).length;
      const { quarantined: aside, missing, unlinked, unreadable } = again;
      assert.deepEqual(
        [aside, missing, unlinked, unreadable],
        [count('quarantined'), count('missing'), count('unlinked'), 0],
      );
      for (const [digest, state] of sorted) {
        if (state === 'quarantined') assert.ok(await driver.stat(quarantined(digest)));
      }
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
});
