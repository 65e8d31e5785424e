import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedBlobs } from './shared-blobs.ts';

const blob = { digest: 'sha256:a', size: 3 };
const bytes = Buffer.from('abc');

/** A load that counts its calls. */
function counted(result: () => Promise<Uint8Array> = async () => bytes) {
  let calls = 0;
  return {
    load: async () => {
      calls++;
      return await result();
    },
    get calls() {
      return calls;
    },
  };
}

test('who is alone shares nothing; from the second one on the blob is loaded, once for all', async () => {
  const shared = createSharedBlobs();
  const counter = counted();
  const join = () => shared.join(blob, counter.load);

  using first = await join();
  const [second, third] = await Promise.all([join(), join()]);
  using fourth = await join();

  assert.equal(first.bytes, undefined);
  assert.deepEqual([second.bytes, third.bytes, fourth.bytes], [bytes, bytes, bytes]);
  assert.equal(counter.calls, 1);
});

test('bytes that nobody sends stay for a moment', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const wait = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const shared = createSharedBlobs({ restMs: 100 });
  const counter = counted();
  {
    using _ = await shared.join(blob, counter.load);
    using second = await shared.join(blob, counter.load);
    assert.ok(second.bytes);
  }

  wait(60);
  {
    using soon = await shared.join(blob, counter.load);
    assert.equal(soon.bytes, bytes);
    wait(200);
    using during = await shared.join(blob, counter.load);
    assert.equal(during.bytes, bytes);
  }
  wait(201);
  using late = await shared.join(blob, counter.load);

  assert.equal(late.bytes, undefined);
  assert.equal(counter.calls, 1);
});

test('large blobs are not shared, and others only while there is room', async () => {
  const shared = createSharedBlobs({ most: 4, total: 8 });
  const load = async (): Promise<Uint8Array> => bytes;
  const isShared = async (digest: string, size: number): Promise<boolean> => {
    using _ = await shared.join({ digest, size }, load);
    using second = await shared.join({ digest, size }, load);
    return second.bytes !== undefined;
  };
  const [one, two, three] = ['a', 'b', 'c'].map((digest) => ({ digest, size: 4 }));
  assert.ok(one && two && three);

  assert.equal(await isShared('large', 5), false);
  {
    using stack = new DisposableStack();
    for (const each of [one, one, two, two]) stack.use(await shared.join(each, load));
    // All that is held is being sent.
    assert.equal(await isShared(three.digest, three.size), false);
  }
  // The one that was asked for longest ago goes.
  assert.equal(await isShared(three.digest, three.size), true);
  using again = await shared.join(two, load);
  using gone = await shared.join(one, load);

  assert.deepEqual([again.bytes !== undefined, gone.bytes !== undefined], [true, false]);
});

test('a load that fails is the failure of all who wait for it, and the next one loads again', async () => {
  const shared = createSharedBlobs();
  const failure = Promise.withResolvers<Uint8Array>();
  const failing = counted(() => failure.promise);
  const counter = counted();
  using _ = await shared.join(blob, failing.load);

  const waiting = [shared.join(blob, failing.load), shared.join(blob, failing.load)];
  failure.reject(new Error('damaged'));
  const results = await Promise.allSettled(waiting);
  using next = await shared.join(blob, counter.load);

  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual([failing.calls, counter.calls, next.bytes], [1, 1, bytes]);
});

test('bytes of another length than the blob has now are not given', async () => {
  const shared = createSharedBlobs();
  const counter = counted();
  using _ = await shared.join(blob, counter.load);
  using second = await shared.join(blob, counter.load);

  using shorter = await shared.join({ ...blob, size: 2 }, counter.load);

  assert.deepEqual([second.bytes, shorter.bytes, counter.calls], [bytes, undefined, 1]);
});
