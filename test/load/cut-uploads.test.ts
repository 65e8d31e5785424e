/**
 * Uploads that are cut at random, some of them by the end of the registry: when they have expired, the disk is as it was.
 * CUT_UPLOADS sets how many.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pushImage } from '../compat/content.ts';
import { unreadableTags } from '../crash/tree.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openUpload, sender } from '../wire/support.ts';

const count = Number(process.env['CUT_UPLOADS'] ?? 60);
const atOnce = 20;
const name = 'team/app';
const body = Buffer.alloc(1024 * 1024, 'x');

test(`${count} uploads cut at random leave nothing behind when they have expired`, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-cut-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async (env: Readonly<Record<string, string>>): Promise<TestRegistry> =>
    stack.use(
      await startRegistry({ dataDir, env: { BERTH_LIMITS_UPLOADSPERUSER: `${count + atOnce}`, ...env } }),
    );
  let registry = await start({});
  await pushImage(registry.plainUrl, { name, tag: 'kept', layers: ['kept'] });
  const before = await filesBelow(join(dataDir, 'docker'));

  for (let at = 0; at < count; at += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, count - at) }, () => cutUpload(registry)));
  // Those that come last are cut by the registry.
  const last = await Promise.all(Array.from({ length: atOnce }, () => beginUpload(registry)));
  await registry.kill('SIGKILL');
  for (const socket of last) socket.destroy();
  registry = await start({});
  const left = await filesBelow(join(dataDir, 'docker'));
  const sessions = left.filter((path) => /\/_uploads\/.*\/data /.test(path)).length;
  assert.equal(sessions, count + atOnce, 'each waits for its client');
  await registry.stop();

  const startedAt = performance.now();
  registry = await start({
    REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE: '2s',
    REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_INTERVAL: '1s',
  });
  const uploads = join(dataDir, `docker/registry/v2/repositories/${name}/_uploads`);
  while ((await readdir(uploads).catch(() => [])).length > 0) {
    assert.ok(performance.now() - startedAt < 120_000, 'they never expire');
    await delay(100);
  }
  assert.deepEqual(await filesBelow(join(dataDir, 'docker')), before);
  assert.deepEqual(await readdir(join(dataDir, 'berth/tmp')).catch(() => []), []);
  assert.deepEqual(await unreadableTags(registry.plainUrl, name), []);
  t.diagnostic(
    `${sessions} cut uploads expired in ${((performance.now() - startedAt) / 1000).toFixed(1)} s: the disk is as it was`,
  );
});

async function cutUpload(registry: TestRegistry): Promise<void> {
  const socket = await beginUpload(registry);
  await delay(Math.random() * 50);
  socket.destroy();
}

/** Opens an upload, and sends a part of a request that goes on with it or ends it. */
async function beginUpload(registry: TestRegistry): Promise<Socket> {
  const location = await openUpload(sender(registry), name);
  const socket = connect({ host: registry.host, port: registry.port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const isLast = Math.random() < 0.3;
  const request = isLast ? `PUT ${location}&digest=sha256:${'0'.repeat(64)}` : `PATCH ${location}`;
  const head = `${request} HTTP/1.1\r\nHost: ${registry.address}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), body]);
  socket.write(bytes.subarray(0, Math.floor(Math.random() * bytes.length)));
  return socket;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const sized = await Promise.all(files.map(async (path) => `${path} ${(await stat(path)).size}`));
  return sized.toSorted();
}
