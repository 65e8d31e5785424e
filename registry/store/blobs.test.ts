import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Driver } from '../driver/driver.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import { blobData, layerLink, quarantined } from './paths.ts';
import {
  actor,
  descriptorOf,
  drivers,
  manifestOf,
  openStore,
  pushBlob,
  putManifest,
  readBlob,
  repository,
  sha,
} from './store.suite.ts';

const other = 'other/one' as RepoName;
const signal = new AbortController().signal;
const kinds = Object.keys(drivers) as (keyof typeof drivers)[];

const mounts: Readonly<
  Record<string, { from?: RepoName; mayPull: RepoName | undefined; mayPullAll?: boolean; mounted: boolean }>
> = {
  'from a repository that may be pulled': { from: other, mayPull: other, mounted: true },
  'from one that may not be pulled': { from: other, mayPull: undefined, mounted: false },
  'without a source, where one may be pulled': { mayPull: other, mounted: true },
  'without a source, where none may be pulled': { mayPull: undefined, mounted: false },
  'from a wrong source, where another may be pulled': {
    from: 'no/such' as RepoName,
    mayPull: other,
    mounted: true,
  },
  'by who may pull everything': { mayPull: undefined, mayPullAll: true, mounted: true },
};
for (const [name, { from, mayPull, mayPullAll = false, mounted }] of Object.entries(mounts)) {
  test(`a mount ${name} is ${mounted ? 'made' : 'not made'}`, async () => {
    await using open = await openStore();
    const digest = await pushBlob(open.store, other, 'abc');

    const blob = await open.store.blobs.mount(repository, digest, {
      from,
      mayPull: (each) => each === mayPull,
      mayPullAll,
      actor,
    });

    assert.deepEqual(blob, mounted ? { digest, size: 3 } : undefined);
    const found = await readBlob(open.store, digest);
    assert.equal(found?.toString(), mounted ? 'abc' : undefined);
  });
}

test('a mount of what is here already needs no source, and of what nobody has answers nothing', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, repository, 'abc');
  const options = { from: undefined, mayPull: () => false, mayPullAll: false, actor };

  assert.deepEqual(await open.store.blobs.mount(repository, digest, options), { digest, size: 3 });
  const unknown = { ...options, mayPullAll: true, mayPull: () => true };
  assert.equal(await open.store.blobs.mount(repository, sha('unknown'), unknown), undefined);
});

test('a blob is readable through a link of the repository only', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, other, 'abc');

  assert.equal(await open.store.blobs.find(repository, digest), undefined);
  assert.deepEqual(await open.store.blobs.find(other, digest), { digest, size: 3 });
});

for (const role of ['config', 'layer', 'child'] as const) {
  test(`a blob that is the ${role} of a manifest cannot be removed before it`, async () => {
    await using open = await openStore();
    const { blobs, manifests } = open.store;
    const digest = await pushBlob(open.store, repository, 'abc');
    await pushBlob(open.store, repository, '{}');
    const parts = {
      config: { config: descriptorOf('abc') },
      layer: { config: descriptorOf('{}'), layers: [descriptorOf('abc')] },
      child: { manifests: [descriptorOf('abc')] },
    };
    const manifest = await putManifest(open.store, manifestOf(parts[role]));

    await assert.rejects(blobs.remove(repository, digest, actor), {
      code: 'BLOB_IN_USE',
      detail: { digest, manifest: manifest.digest },
    });
    await manifests.remove(repository, manifest.digest, actor);
    assert.equal(await blobs.remove(repository, digest, actor), true);
    assert.equal(await blobs.find(repository, digest), undefined);
    assert.equal(await blobs.remove(repository, digest, actor), false);
  });
}

test('a removed blob stays in other repositories', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, repository, 'abc');
  await pushBlob(open.store, other, 'abc');

  await open.store.blobs.remove(repository, digest, actor);

  assert.equal(String(await readBlob(open.store, digest, other)), 'abc');
});

const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'one byte changed in the middle': (bytes) => bytes.fill(bytes.readUInt8(70_000) ^ 1, 70_000, 70_001),
  'the last byte changed': (bytes) => bytes.fill((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1),
  'the end cut off': (bytes) => bytes.subarray(0, 1000),
  'a byte too many': (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
  'nothing in it': () => Buffer.alloc(0),
};
// The thread for large blobs has those on a disk.
const lengths = { memory: 200_000, fs: 2_200_000 };
const pushedBy = ['this process', 'a former one'] as const;
for (const [on, by] of kinds.flatMap((kind) => pushedBy.map((each) => [kind, each] as const))) {
  for (const [name, damage] of Object.entries(damages)) {
    test(`${on}: a blob by ${by} with ${name} never arrives whole, goes to quarantine, and a push heals it`, async () => {
      await using open = await openStore({ on });
      const bytes = Buffer.from(Array.from({ length: lengths[on] }, (_, at) => (at * 7) % 251));
      const digest = await pushBlob(open.store, repository, bytes);
      const store = by === 'this process' ? open.store : open.restart();
      const damaged = damage(Buffer.from(bytes));
      await open.driver.write(blobData(digest), damaged);

      let received = 0;
      const reading = async (): Promise<void> => {
        const blob = await store.blobs.find(repository, digest);
        assert.ok(blob);
        const sink = new PassThrough().on('data', (part: Buffer) => (received += part.length));
        await store.blobs.send(blob, sink, { signal });
      };
      await assert.rejects(reading(), { code: 'STORAGE_FAILED', detail: digest });

      assert.ok(received < Math.max(1, damaged.length), `${received} of ${damaged.length} bytes`);
      assert.equal(await store.blobs.find(repository, digest), undefined);
      assert.deepEqual(
        await open.driver.readSmall(quarantined(digest), { limit: 3_000_000 }),
        new Uint8Array(damaged),
      );
      const told = ['blobDamaged', { digest, found: sha(damaged), size: damaged.length }];
      assert.deepEqual(open.told.at(-1), told);
      await pushBlob(store, repository, bytes);
      assert.deepEqual(await readBlob(store, digest), bytes);
    });
  }
}

test('a blob is hashed when it is pushed, or by its first pull after a restart, and compared from then on', async () => {
  const algorithms: unknown[] = [];
  const wrap = (driver: Driver): Driver => ({
    ...driver,
    async open(key) {
      const reader = await driver.open(key);
      return (
        reader && {
          ...reader,
          readHashed(block, at, hash) {
            algorithms.push(hash.kind.algorithm);
            return reader.readHashed(block, at, hash);
          },
        }
      );
    },
  });
  await using open = await openStore({ wrap });
  const digest = await pushBlob(open.store, repository, 'abc');
  await readBlob(open.store, digest);
  const restarted = open.restart();
  await readBlob(restarted, digest);
  await readBlob(restarted, digest);

  assert.deepEqual(algorithms, [undefined, 'sha256', undefined]);
});

test('clients that pull at once get the same bytes, whole or a range, and the file is read for the first two', async () => {
  await using open = await openStore({ on: 'fs' });
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 251));
  const digest = await pushBlob(open.store, repository, bytes);
  const pull = async (range?: { start: number; end: number }): Promise<Buffer> => {
    const sink = new PassThrough();
    const [received] = await Promise.all([
      buffer(sink),
      open.store.blobs.send({ digest, size: bytes.length }, sink, { range, signal }).then(() => sink.end()),
    ]);
    return received;
  };

  const both = await Promise.all([pull(), pull()]);
  await open.driver.remove(blobData(digest));
  const [whole, part] = await Promise.all([pull(), pull({ start: 70_000, end: 150_001 })]);

  assert.deepEqual(both, [bytes, bytes]);
  assert.deepEqual([whole, part], [bytes, bytes.subarray(70_000, 150_001)]);
});

test('of a damaged blob none of those who pull at once gets the last byte', async () => {
  await using open = await openStore({ on: 'fs' });
  const bytes = Buffer.alloc(200_000, 'a');
  const digest = await pushBlob(open.store, repository, bytes);
  await open.driver.write(blobData(digest), Buffer.from(bytes).fill('b', 70_000, 70_001));
  const received = [0, 0, 0];

  const results = await Promise.allSettled(
    received.map(async (_, at) => {
      const sink = new PassThrough().on('data', (part: Buffer) => {
        received[at] = (received[at] ?? 0) + part.length;
      });
      await open.store.blobs.send({ digest, size: bytes.length }, sink, { signal });
    }),
  );

  assert.deepEqual(
    results.map((result) => result.status === 'rejected' && result.reason.code),
    ['STORAGE_FAILED', 'STORAGE_FAILED', 'STORAGE_FAILED'],
  );
  assert.ok(
    received.every((count) => count < bytes.length),
    String(received),
  );
});

test('a blob that was cut short is replaced by the next push, though nobody read it', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, repository, 'abcdef');
  await open.driver.write(blobData(digest), Buffer.from('abc'));

  await pushBlob(open.store, repository, 'abcdef');

  assert.equal(String(await readBlob(open.store, digest)), 'abcdef');
});

test('a slow reader of damaged bytes does not put aside the blob that a push has mended', async () => {
  await using open = await openStore({ on: 'fs' });
  const bytes = Buffer.alloc(4_000_000, 'good');
  const digest = await pushBlob(open.store, repository, bytes);
  await open.driver.write(blobData(digest), Buffer.alloc(bytes.length, 'bad!'));
  const blob = { digest, size: bytes.length };
  const slow = new PassThrough({ highWaterMark: 1 });
  const sending = open.store.blobs.send(blob, slow, { signal });
  sending.catch(() => undefined);
  await once(slow, 'readable');

  await assert.rejects(readBlob(open.store, digest), { code: 'STORAGE_FAILED' });
  await pushBlob(open.store, repository, bytes);

  slow.resume();
  await assert.rejects(sending, { code: 'STORAGE_FAILED' });
  assert.deepEqual(await readBlob(open.store, digest), bytes);
});

test('a damaged blob on a disk that cannot be written is a failure of the storage all the same', async () => {
  let isReadOnly = false;
  await using open = await openStore({
    before: () => {
      if (isReadOnly) throw new AppError('STORAGE_READ_ONLY');
    },
  });
  const digest = await pushBlob(open.store, repository, 'abc');
  await open.driver.write(blobData(digest), Buffer.from('abX'));
  isReadOnly = true;

  await assert.rejects(readBlob(open.store, digest), { code: 'STORAGE_FAILED' });
  assert.equal(open.told.at(-1)?.[0], 'blobDamaged');
});

test('a range is read as it lies, and the empty blob can be read', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, repository, 'abcdef');
  const empty = await pushBlob(open.store, repository, '');

  const sink = new PassThrough();
  await open.store.blobs.send({ digest, size: 6 }, sink, { range: { start: 2, end: 4 }, signal });

  assert.equal(String(sink.read()), 'cd');
  assert.equal((await readBlob(open.store, empty))?.length, 0);
});

test('an empty link, left by the crash of a registry that does not fsync, counts as none and is mended', async () => {
  await using open = await openStore();
  const digest = await pushBlob(open.store, repository, 'abc');
  await open.driver.write(layerLink(repository, digest), new Uint8Array());

  assert.equal(await open.store.blobs.find(repository, digest), undefined);
  await pushBlob(open.store, repository, 'abc');

  const link = await open.driver.readSmall(layerLink(repository, digest), { limit: 100 });
  assert.equal(new TextDecoder().decode(link), digest);
});

test('a send to a receiver that takes nothing ends when it is cancelled', async () => {
  await using open = await openStore();
  const bytes = Buffer.alloc(2_000_000, 'x');
  const digest = await pushBlob(open.store, repository, bytes);
  const hasBegun = Promise.withResolvers<void>();
  const stuck = new Writable({ write: () => hasBegun.resolve() });
  const controller = new AbortController();

  const sending = open.store.blobs.send({ digest, size: bytes.length }, stuck, controller);
  await hasBegun.promise;
  for (let turn = 0; turn < 100; turn++) await nextTurn();
  controller.abort(new AppError('CANCELLED'));

  await assert.rejects(sending, { code: 'CANCELLED' });
});
