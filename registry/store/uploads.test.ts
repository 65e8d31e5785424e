import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError, isAppError } from '../spec/errors.ts';
import type { UploadId } from '../spec/names.ts';
import { blobData, layerLink, uploadData, uploadStartedAt, uploadsTree, uploadTree } from './paths.ts';
import {
  actor,
  chunk,
  drivers,
  keysBelow,
  type OpenStore,
  openStore,
  pushBlob,
  readBlob,
  repository,
  sha,
  type Step,
} from './store.suite.ts';
import type { UploadKey } from './uploads.ts';

const kinds = Object.keys(drivers) as (keyof typeof drivers)[];
const hour = 60 * 60 * 1000;

async function start({ store }: Pick<OpenStore, 'store'>): Promise<UploadKey> {
  return await store.uploads.start(repository, { algorithm: 'sha256', actor });
}

/** The keys of sessions that are left: none after a commit, a cancel or a purge. */
async function sessionKeys({ driver }: OpenStore): Promise<readonly string[]> {
  return (await keysBelow(driver, '')).filter((key) => key.includes('/_uploads/'));
}

for (const on of kinds) {
  test(`${on}: chunks are put together in the order of arrival, and the blob is linked`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);

    const offsets = [
      await uploads.append(upload, chunk('abc')),
      await uploads.append(upload, chunk('de', 3)),
      await uploads.offset(upload),
    ];
    const blob = await uploads.commit(upload, { digest: sha('abcdefg'), chunk: chunk('fg', 5), actor });

    assert.deepEqual(offsets, [3, 5, 5]);
    assert.deepEqual(blob, { digest: sha('abcdefg'), size: 7 });
    assert.equal(String(await readBlob(open.store, blob.digest)), 'abcdefg');
    assert.deepEqual(await sessionKeys(open), []);
    assert.equal(uploads.open, 0);
  });

  test(`${on}: a chunk at the wrong place is refused with the offset, and nothing of it is kept`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);
    await uploads.append(upload, chunk('abc'));

    for (const first of [0, 2, 4]) {
      await assert.rejects(uploads.append(upload, chunk('x', first)), { code: 'UPLOAD_OFFSET', detail: 3 });
    }

    await uploads.commit(upload, { digest: sha('abc'), chunk: undefined, actor });
  });

  for (const [name, bytes] of Object.entries({ shorter: 'de', longer: 'defghi' })) {
    test(`${on}: a chunk ${name} than announced is rolled back, and the upload goes on`, async () => {
      await using open = await openStore({ on });
      const { uploads } = open.store;
      const upload = await start(open);
      await uploads.append(upload, chunk('abc'));

      const wrong = { ...chunk(bytes), range: { first: 3, last: 6 } };
      await assert.rejects(uploads.append(upload, wrong), { code: 'SIZE_INVALID' });

      assert.equal(await uploads.offset(upload), 3);
      await uploads.append(upload, chunk('DE', 3));
      await uploads.commit(upload, { digest: sha('abcDE'), chunk: undefined, actor });
    });
  }

  test(`${on}: a cut chunk keeps the bytes that arrived, and the rest can follow`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);
    const source = new PassThrough();
    const controller = new AbortController();

    const cut = uploads.append(upload, { source, range: undefined, signal: controller.signal });
    source.write('abc');
    while (source.readableLength > 0) await nextTurn();
    await nextTurn();
    controller.abort(new AppError('CANCELLED'));
    await assert.rejects(cut, { code: 'CANCELLED' });

    assert.equal(source.destroyed, true);
    assert.equal(await uploads.offset(upload), 3);
    await uploads.commit(upload, { digest: sha('abcdef'), chunk: chunk('def', 3), actor });
    assert.equal(String(await readBlob(open.store, sha('abcdef'))), 'abcdef');
  });

  test(`${on}: the newer of two writers wins, the older is cut and its bytes count`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);
    const source = new PassThrough();
    const older = uploads.append(upload, chunk(source));
    source.write('abc');
    while (source.readableLength > 0) await nextTurn();
    await nextTurn();

    const newer = uploads.append(upload, chunk('def'));

    await assert.rejects(older, { code: 'CANCELLED' });
    assert.equal(await newer, 6);
    await uploads.commit(upload, { digest: sha('abcdef'), chunk: undefined, actor });
  });

  test(`${on}: after a restart the size of the file is the offset and its digest is verified`, async () => {
    await using open = await openStore({ on });
    const upload = await start(open);
    await open.store.uploads.append(upload, chunk('abc'));

    const again = open.restart();

    assert.equal(await again.uploads.offset(upload), 3);
    assert.equal(await again.uploads.append(upload, chunk('def', 3)), 6);
    await again.uploads.commit(upload, { digest: sha('abcdef'), chunk: undefined, actor });
    assert.equal(String(await readBlob(again, sha('abcdef'))), 'abcdef');
  });

  test(`${on}: bytes with another digest are refused, and the session ends`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);

    const commit = uploads.commit(upload, { digest: sha('other'), chunk: chunk('abc'), actor });

    await assert.rejects(commit, { code: 'DIGEST_INVALID', detail: sha('other') });
    assert.deepEqual(await keysBelow(open.driver, 'docker'), []);
    assert.equal(uploads.open, 0);
  });

  test(`${on}: any digest algorithm can be committed, whatever was hashed on the way`, async () => {
    await using open = await openStore({ on });
    const upload = await start(open);

    await open.store.uploads.commit(upload, { digest: sha('abc', 'sha512'), chunk: chunk('abc'), actor });

    assert.equal(String(await readBlob(open.store, sha('abc', 'sha512'))), 'abc');
  });

  test(`${on}: a cancelled upload leaves nothing and cannot go on`, async () => {
    await using open = await openStore({ on });
    const { uploads } = open.store;
    const upload = await start(open);
    await uploads.append(upload, chunk('abc'));

    assert.equal(await uploads.cancel(upload, actor), true);

    assert.deepEqual(await keysBelow(open.driver, 'docker'), []);
    assert.equal(await uploads.cancel(upload, actor), false);
    assert.equal(await uploads.offset(upload), undefined);
    await assert.rejects(uploads.append(upload, chunk('abc')), { code: 'UPLOAD_UNKNOWN' });
    assert.equal(uploads.open, 0);
  });

  test(`${on}: 50 racers that push the same blob all succeed, and it is stored once`, async () => {
    const committed: string[] = [];
    await using open = await openStore({
      on,
      after: ({ call, key }) => void (call === 'commit' && committed.push(key)),
    });

    const digests = await Promise.all(
      Array.from({ length: 50 }, () => pushBlob(open.store, repository, 'shared')),
    );

    assert.deepEqual(new Set(digests), new Set([sha('shared')]));
    assert.deepEqual(committed, [blobData(sha('shared'))]);
    assert.deepEqual(await keysBelow(open.driver, 'docker'), [
      blobData(sha('shared')),
      layerLink(repository, sha('shared')),
    ]);
    assert.equal(open.store.uploads.open, 0);
  });

  test(`${on}: what a stop has left of a session without files goes with the next purge, and is none`, async () => {
    await using open = await openStore({ on });
    const upload = await start(open);
    for (const key of await sessionKeys(open)) await open.driver.remove(key);
    const options = { ageMs: hour, dryRun: false, signal: new AbortController().signal };
    const left = () => Array.fromAsync(open.driver.list(uploadsTree(repository)), ({ name }) => name);
    const before = await left();

    const purged = [
      await open.store.uploads.purge(options),
      await open.restart().uploads.purge({ ...options, dryRun: true }),
    ];
    const after = await left();
    purged.push(await open.restart().uploads.purge(options));

    assert.deepEqual(before, on === 'fs' ? [upload.id] : []);
    assert.deepEqual(after, before);
    assert.deepEqual(await left(), []);
    assert.deepEqual(purged, [0, 0, 0]);
    assert.ok(!open.told.some(([kind]) => kind === 'uploadPurged'));
  });

  test(`${on}: sessions without a byte for the time of grace are purged, a dry run only tells`, async () => {
    await using open = await openStore({ on });
    const [old, young] = [await start(open), await start(open)];
    await open.store.uploads.append(old, chunk('abc'));
    const info = await open.driver.stat(uploadData(old.repository, old.id));
    const signal = new AbortController().signal;
    const purge = (dryRun: boolean, afterMs: number, ageMs: number) =>
      open.restart({ now: () => (info?.modifiedAt ?? 0) + afterMs }).uploads.purge({ ageMs, dryRun, signal });
    // Distribution writes more into a session than Berth does.
    await open.driver.write(`${uploadTree(old.repository, old.id)}/hashstates/sha256/0`, Buffer.from('x'));

    const found = {
      tooEarly: await purge(false, hour - 10_000, hour),
      dryRun: await purge(true, 2 * hour, hour),
      offset: await open.store.uploads.offset(old),
    };
    await open.store.uploads.cancel(young, actor);
    const purged = await purge(false, 2 * hour, hour);

    assert.deepEqual(found, { tooEarly: 0, dryRun: 2, offset: 3 });
    assert.equal(purged, 1);
    assert.deepEqual(await keysBelow(open.driver, 'docker'), []);
    assert.deepEqual(open.told.at(-1), [
      'uploadPurged',
      { repository, id: old.id, bytes: 3, ageMs: 2 * hour, isDryRun: false },
    ]);
  });
}

test('a bad chunk after a restart cannot be committed as if it were good', async () => {
  await using open = await openStore();
  const upload = await start(open);
  await open.store.uploads.append(upload, chunk('abc'));

  const commit = open.restart().uploads.commit(upload, { digest: sha('abX'), chunk: undefined, actor });

  await assert.rejects(commit, { code: 'DIGEST_INVALID' });
});

test('a user has so many uploads open at once, and ended ones do not count', async () => {
  await using open = await openStore({ uploadsPerUser: 2 });
  const { uploads } = open.store;
  const [first, second] = [await start(open), await start(open)];

  await assert.rejects(start(open), { code: 'TOO_MANY_UPLOADS', retryAfterSeconds: 30 });
  await uploads.start(repository, { algorithm: 'sha256', actor: { user: 'other', requestId: '' } });
  await uploads.cancel(first, actor);
  await start(open);
  await uploads.commit(second, { digest: sha('x'), chunk: chunk('x'), actor });
  await start(open);
  await assert.rejects(start(open), { code: 'TOO_MANY_UPLOADS' });
});

test('an upload that nobody started is unknown and leaves no trace', async () => {
  await using open = await openStore();
  const { uploads } = open.store;
  const upload = { repository, id: '00000000-0000-4000-8000-000000000000' as UploadId };

  assert.equal(await uploads.offset(upload), undefined);
  assert.equal(await uploads.cancel(upload, actor), false);
  await assert.rejects(uploads.append(upload, chunk('x')), { code: 'UPLOAD_UNKNOWN' });
  await assert.rejects(uploads.commit(upload, { digest: sha('x'), chunk: chunk('x'), actor }), {
    code: 'UPLOAD_UNKNOWN',
  });
  assert.deepEqual(await keysBelow(open.driver, ''), []);
});

test('a session that cannot be made whole is taken back', async () => {
  await using open = await openStore({
    uploadsPerUser: 1,
    before: ({ key }) => {
      if (key.endsWith('/data')) throw new AppError('STORAGE_FULL');
    },
  });

  await assert.rejects(start(open), { code: 'STORAGE_FULL' });
  await assert.rejects(start(open), { code: 'STORAGE_FULL' });

  assert.deepEqual(await keysBelow(open.driver, ''), []);
  assert.equal(open.store.uploads.open, 0);
});

test('a blob that is stored but cannot be linked ends its session, and a new push goes through', async () => {
  let isFull = true;
  await using open = await openStore({
    before: ({ key }) => {
      if (isFull && key.includes('/_layers/')) throw new AppError('STORAGE_FULL');
    },
  });

  await assert.rejects(pushBlob(open.store, repository, 'abc'), { code: 'STORAGE_FULL' });
  assert.deepEqual(await sessionKeys(open), []);
  assert.equal(open.store.uploads.open, 0);

  isFull = false;
  await pushBlob(open.store, repository, 'abc');
  assert.equal(String(await readBlob(open.store, sha('abc'))), 'abc');
});

test('a blob whose move was not made durable is not there for the next push', async () => {
  let commits = 0;
  await using open = await openStore({
    after: ({ call }) => {
      if (call === 'commit' && ++commits === 1) throw new AppError('STORAGE_FAILED');
    },
  });

  await assert.rejects(pushBlob(open.store, repository, 'abc'), { code: 'STORAGE_FAILED' });
  assert.equal(await open.driver.stat(blobData(sha('abc'))), undefined);

  await pushBlob(open.store, repository, 'abc');
  assert.equal(commits, 2);
});

test('a push that finds the blob waits until the push that stores it has made it durable', async () => {
  const gate = Promise.withResolvers<void>();
  const isMoved = Promise.withResolvers<void>();
  const steps: string[] = [];
  await using open = await openStore({
    async after({ call, key }: Step) {
      if (call === 'commit') {
        isMoved.resolve();
        await gate.promise;
      }
      if (call === 'commit' || key.includes('/_layers/')) steps.push(call);
    },
  });
  const storing = pushBlob(open.store, repository, 'abc');
  await isMoved.promise;

  const finding = pushBlob(open.store, repository, 'abc');
  const mounting = open.store.blobs.mount(repository, sha('abc'), {
    from: undefined,
    mayPull: () => true,
    mayPullAll: true,
    actor,
  });
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  assert.deepEqual(steps, []);
  gate.resolve();
  await Promise.all([storing, finding, mounting]);

  assert.equal(steps[0], 'commit');
});

test('a session in use is not purged, whatever the clock says', async () => {
  await using open = await openStore();
  const upload = await start(open);
  await open.store.uploads.append(upload, chunk('abc'));
  const later = open.restart({ now: () => Date.now() + 400 * 24 * hour });
  const source = new PassThrough();
  const signal = new AbortController().signal;

  const appending = later.uploads.append(upload, chunk(source));
  await nextTurn();
  const whileWriting = await later.uploads.purge({ ageMs: hour, dryRun: false, signal });
  source.end('def');

  assert.equal(whileWriting, 0);
  assert.equal(await appending, 6);
  const jumped = open.restart({ now: () => Date.now() + 400 * 24 * hour });
  const own = await start({ store: jumped });
  await jumped.uploads.append(own, chunk('abc'));
  await jumped.uploads.purge({ ageMs: hour, dryRun: false, signal });
  assert.equal(await jumped.uploads.offset(own), 3);
});

test('a session of a former process is left alone until its client had time to come back, then it is as any other', async () => {
  await using open = await openStore();
  const [left, taken] = [await start(open), await start(open)];
  await open.store.uploads.append(taken, chunk('abc'));
  const clock = { monotonic: 5 * hour };
  // Set while nothing ran, or before the restart.
  const now = () => Date.now() + 400 * 24 * hour;
  const { uploads } = open.restart({ now, monotonic: () => clock.monotonic });
  const options = { ageMs: 24 * hour, dryRun: false, signal: new AbortController().signal };

  const early = await uploads.purge({ ...options, returnMs: hour });
  clock.monotonic += hour - 1;
  await uploads.append(taken, chunk('def', 3));
  const stillEarly = await uploads.purge({ ...options, returnMs: hour });
  clock.monotonic += 1;
  const gone = await uploads.purge({ ...options, returnMs: hour });
  const offsets = [await uploads.offset(left), await uploads.offset(taken)];
  clock.monotonic += 24 * hour;
  const last = await uploads.purge({ ...options, returnMs: hour });

  assert.deepEqual(
    { early, stillEarly, gone, offsets, last },
    { early: 0, stillEarly: 0, gone: 1, offsets: [undefined, 6], last: 1 },
  );
});

test('a chunk that comes while its session is purged is refused, not lost', async () => {
  const gate = Promise.withResolvers<void>();
  const isRemoving = Promise.withResolvers<void>();
  await using open = await openStore({
    async before({ call }) {
      if (call !== 'removeTree') return;
      isRemoving.resolve();
      await gate.promise;
    },
  });
  const upload = await start(open);
  const later = open.restart({ now: () => Date.now() + 2 * hour });

  const purging = later.uploads.purge({ ageMs: hour, dryRun: false, signal: new AbortController().signal });
  await isRemoving.promise;
  const appending = later.uploads.append(upload, chunk('abc'));
  gate.resolve();

  await assert.rejects(appending, { code: 'UPLOAD_UNKNOWN' });
  assert.equal(await purging, 1);
});

test('a commit that is cut while the file is read again says so, and the upload stays', async () => {
  await using open = await openStore();
  const upload = await start(open);
  await open.store.uploads.append(upload, chunk(Readable.from([Buffer.alloc(65_536), Buffer.alloc(65_536)])));
  const again = open.restart();
  const digest = sha(Buffer.alloc(131_072));
  const controller = new AbortController();
  const source = new PassThrough();

  const commit = again.uploads.commit(upload, {
    digest,
    chunk: { source, range: undefined, signal: controller.signal },
    actor,
  });
  source.end();
  source.once('close', () => controller.abort(new AppError('CANCELLED')));

  await assert.rejects(commit, (error) => isAppError(error, 'CANCELLED'));
  assert.equal(await again.uploads.offset(upload), 131_072);
  await again.uploads.commit(upload, { digest, chunk: undefined, actor });
});

test('startedat holds the time of the start as RFC 3339', async () => {
  await using open = await openStore();
  const store = open.restart({ now: () => Date.UTC(2026, 1, 3, 4, 5, 6) });
  const { id } = await start({ store });

  const text = await open.driver.readSmall(uploadStartedAt(repository, id), { limit: 100 });

  assert.equal(new TextDecoder().decode(text), '2026-02-03T04:05:06.000Z');
});

test('open uploads are listed page by page, with who began them as far as the process knows', async () => {
  await using open = await openStore();
  const { store } = open;
  const ids: string[] = [];
  for (let at = 0; at < 3; at++) {
    const upload = await start(open);
    await store.uploads.append(upload, chunk('x'.repeat(at)));
    ids.push(upload.id);
  }
  await pushBlob(store, repository, 'done');

  const first = await store.uploads.list({ limit: 2 });
  const second = await store.uploads.list({ limit: 2, after: first.next });
  const [row] = (await open.restart().uploads.list({ limit: 1 })).rows;

  const rows = [...first.rows, ...second.rows];
  assert.deepEqual(
    rows.map(({ id, bytes, user }) => `${id} ${bytes} ${user}`),
    ids.map((id, at) => `${id} ${at} dev`).toSorted(),
  );
  assert.deepEqual([first.total, second.total, second.next], [3, 3, undefined]);
  assert.ok(rows.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < hour));
  assert.deepEqual([row?.id, row?.user], [ids.toSorted()[0], undefined]);
});
