import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Reader } from '../driver/driver.ts';
import { createRunningHash } from '../driver/running-hash.ts';
import { sendBytes, sendWhole } from './send.ts';

/** As large as it has to be, of bytes that nobody looks at. */
const endless = {
  read: async (target: Uint8Array) => target.length,
  readHashed: async (block: Uint8Array) => block,
} as unknown as Reader;

test('a send keeps nothing of the blocks that it has sent', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapMiB = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1024 / 1024;
  };
  const sink = new Writable({ write: (_bytes, _encoding, done) => void setImmediate(done) });
  const { signal } = new AbortController();
  const bytes = 20_000 * 256 * 1024;
  const hash = createRunningHash({ algorithm: 'sha256' });
  const before = heapMiB();
  let grown = Infinity;

  const accept = async (): Promise<void> => void (grown = heapMiB() - before);
  await sendBytes(endless, sink, { start: 0, end: bytes }, { signal, check: { hash, accept } });

  assert.ok(grown < 2, `${grown} MiB more before the last block`);
});

test('a sink that never answers is left when the signal aborts', async () => {
  const controller = new AbortController();
  const met = Promise.withResolvers<void>();
  const dead = new Writable({ write: () => met.resolve() });

  const sending = sendBytes(endless, dead, { start: 0, end: 10_000_000 }, { signal: controller.signal });
  await met.promise;
  controller.abort(new Error('gone'));

  await assert.rejects(sending, /gone/);
});

test('a sink that takes bytes in memory at once leaves turns of the event loop to others', async () => {
  const bytes = Buffer.alloc(10 * 256 * 1024, 'a');
  let received = 0;
  const sink = new Writable({
    write(block: Buffer, _encoding, done) {
      received += block.length;
      done();
    },
  });
  let turns = 0;
  const count = (): void => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);

  await sendWhole(bytes, sink, { signal: new AbortController().signal });
  clearImmediate(counting);

  assert.equal(received, bytes.length);
  assert.ok(turns >= 9, `${turns} turns`);
});
