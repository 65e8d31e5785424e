/**
 * Hundreds of clients that hardly move beside one that pulls as fast as it can: it must not notice them. SLOW_READERS and
 * SLOW_UPLOADS set how many there are, SLOW_PULLS how often is pulled, SLOW_FACTOR how much slower the slowest of a hundred
 * pulls may become; the short form, on a busy machine, lets it be more.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { connect, type Connection, expect } from '../bench/client.ts';
import { mediaTypes, pushInto } from '../support/content.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openUpload, sender } from '../wire/support.ts';

const readers = Number(process.env['SLOW_READERS'] ?? 100);
const uploads = Number(process.env['SLOW_UPLOADS'] ?? 25);
const pulls = Number(process.env['SLOW_PULLS'] ?? 200);
const factor = Number(process.env['SLOW_FACTOR'] ?? 10);
const readBytesPerSecond = 10_000;
const dripMs = 500;
const name = 'team/app';

test(`a pull beside ${readers} slow readers and ${uploads} dripping uploads is as fast as alone`, async (t) => {
  await using registry = await startRegistry();
  const pusher = pushInto(registry, name);
  const layer = await pusher.blob(randomBytes(256 * 1024), mediaTypes.layer);
  // More than the kernel takes for somebody who does not read.
  const large = await pusher.blob(randomBytes(32 * 1024 * 1024), mediaTypes.layer);
  await pusher.manifest({ config: layer, layers: [layer] }, 'latest');
  await using stack = new AsyncDisposableStack();
  const connection = stack.use(
    await connect({ port: registry.port, ca: undefined, authorization: undefined }),
  );
  await timePulls(connection, layer.digest);
  const alone = await timePulls(connection, layer.digest);

  const slow = stack.use(new DisposableStack());
  const read = await Promise.all(
    Array.from({ length: readers }, () => readSlowly(registry, `/v2/${name}/blobs/${large.digest}`)),
  );
  const dripped = await Promise.all(Array.from({ length: uploads }, () => uploadSlowly(registry)));
  for (const each of [...read, ...dripped]) slow.use(each);
  // The kernel takes some MiB for each of them first, as fast as they come; who hardly moves is what this is about.
  for (const late = performance.now() + 10_000; performance.now() < late;) {
    if ((await timePulls(connection, layer.digest)).p99 < 2 * alone.p99) break;
  }
  const beside = await timePulls(connection, layer.digest);
  const alive = [...read, ...dripped].filter(({ isOpen }) => isOpen()).length;
  slow.dispose();
  const after = await timePulls(connection, layer.digest);

  assert.equal(alive, readers + uploads, 'the slow ones were there all the time');
  // What the machine did beside shows before or after.
  const idle = Math.max(alone.p99, after.p99);
  t.diagnostic(
    `pull of 256 KiB beside ${readers} readers at 10 kB/s and ${uploads} dripping uploads: p50 ${beside.p50.toFixed(1)} ms, p99 ${beside.p99.toFixed(1)} ms; alone p50 ${alone.p50.toFixed(1)} and ${after.p50.toFixed(1)} ms, p99 ${alone.p99.toFixed(1)} and ${after.p99.toFixed(1)} ms`,
  );
  assert.ok(beside.p99 < factor * idle, `p99 ${beside.p99} ms, ${idle} ms alone`);
});

/** Manifest and layer, again and again; milliseconds. */
async function timePulls(
  connection: Connection,
  digest: string,
): Promise<{ readonly p50: number; readonly p99: number }> {
  const times: number[] = [];
  for (let at = 0; at < pulls; at++) {
    const startedAt = performance.now();
    await expect(connection, { method: 'GET', path: `/v2/${name}/manifests/latest` }, 200);
    await expect(connection, { method: 'GET', path: `/v2/${name}/blobs/${digest}` }, 200);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(0.5 * pulls)] ?? 0, p99: times[Math.floor(0.99 * pulls)] ?? 0 };
}

interface Slow extends Disposable {
  readonly isOpen: () => boolean;
}

/** Reads an answer a little each tenth of a second. */
async function readSlowly({ host, port }: TestRegistry, path: string): Promise<Slow> {
  const socket = connectSocket({ host, port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  socket.pause();
  await once(socket, 'readable');
  const timer = setInterval(() => void socket.read(readBytesPerSecond / 10), 100);
  return {
    isOpen: () => !socket.destroyed && !socket.readableEnded,
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

/** Sends a byte of an upload twice a second. */
async function uploadSlowly(registry: TestRegistry): Promise<Slow> {
  const { host, port } = registry;
  const location = await openUpload(sender(registry), name);
  const socket = connectSocket({ host, port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const length = 1024 * 1024;
  socket.write(`PATCH ${location} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Length: ${length}\r\n\r\n`);
  const timer = setInterval(() => void socket.write('x'), dripMs);
  return {
    isOpen: () => !socket.destroyed,
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}
