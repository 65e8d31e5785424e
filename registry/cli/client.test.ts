import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { createAdminServer } from '../admin/server.ts';
import type { AdminMethods } from '../admin/server.ts';
import { openAdminSocket } from '../admin/socket.ts';
import { createFeed } from '../feed/feed.ts';
import { createSessions } from '../feed/sessions.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { AppError } from '../spec/errors.ts';
import { methodsOf } from '../spec/rpc.suite.ts';
import { openClient } from './client.ts';

async function temporary(name = 'data') {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-client-'));
  const root = join(directory.path, name);
  await mkdir(join(root, 'berth'), { recursive: true, mode: 0o700 });
  return { path: directory.path, root, [Symbol.asyncDispose]: () => directory.remove() };
}

/** The control plane of a data directory, without a registry behind it. */
async function openPlane(root: string, some: Partial<AdminMethods>) {
  const ring = createRing();
  const log = createLogger({ write: () => undefined, ring });
  const feed = createFeed();
  const server = createAdminServer({ methods: methodsOf(some), feed, ring, sessions: createSessions(), log });
  const socket = await openAdminSocket({
    root,
    log,
    findDownload: () => undefined,
    onConnection: (channel) => server.connect(channel, { user: 'anna', requestId: 'r1' }),
  });
  return { feed, log, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() };
}

const levels: AdminMethods['logs.levels'] = async () => ({ http: 'info' });

test('a client calls and listens, through any path to the data directory', async () => {
  for (const name of ['data', 'd'.repeat(100)]) {
    await using data = await temporary(name);
    await using plane = await openPlane(data.root, {
      'logs.levels': levels,
      'trash.restore': ({ id }) => Promise.reject(new AppError('TRASH_UNKNOWN', { detail: { id } })),
    });
    // Longer than the path of a socket may be.
    const link = join(data.path, 'l'.repeat(100));
    await symlink(data.root, link);
    using client = await openClient(link);
    const feed = client.subscribe('feed', {});

    const answer = await client.call('logs.levels', {});
    const refused = client.call('trash.restore', { id: 'x' });

    assert.deepEqual(answer, { http: 'info' });
    await assert.rejects(refused, { code: 'TRASH_UNKNOWN', detail: { id: 'x' } });
    plane.feed.publish({ kind: 'tagMoved', repository: 'app', tag: 'b' });
    for await (const [item] of feed) {
      assert.deepEqual([item?.kind, item?.repository, item?.tag], ['tagMoved', 'app', 'b']);
      break;
    }
  }
});

test('a client whose registry stops gets NOT_RUNNING', async () => {
  await using data = await temporary();
  const running = Promise.withResolvers<void>();
  const plane = await openPlane(data.root, {
    async 'collect.run'(_, { signal }) {
      running.resolve();
      await once(signal, 'abort');
      throw signal.reason;
    },
  });
  using client = await openClient(data.root);
  const lost = assert.rejects(client.call('collect.run', {}), { code: 'NOT_RUNNING' });
  await running.promise;

  await plane[Symbol.asyncDispose]();

  await lost;
});

test('where no registry runs the error names the data directory', async () => {
  await using data = await temporary();
  const named = { code: 'NOT_RUNNING', message: new RegExp(data.root) };
  await assert.rejects(openClient(data.root), named);

  // Left behind by a registry that was killed.
  await writeFile(
    join(data.root, 'berth', 'admin.json'),
    JSON.stringify({ address: join(data.path, 'gone.sock'), secret: 'x' }),
  );
  await assert.rejects(openClient(data.root), named);
  await writeFile(join(data.root, 'berth', 'admin.json'), '{"addr');
  await writeFile(join(data.root, 'berth', 'admin.sock'), '');
  await assert.rejects(openClient(data.root), named);

  await assert.rejects(openClient(join(data.path, 'none')), { code: 'NOT_RUNNING', message: /none/ });
});

test('somebody else is told whose registry it is', needs('root'), async () => {
  await using data = await temporary();
  await using plane = await openPlane(data.root, { 'logs.levels': levels });
  assert.ok(plane);
  using cleanup = new DisposableStack();
  const { seteuid } = process;
  seteuid?.(65_534);
  cleanup.defer(() => seteuid?.(0));

  const refused = openClient(data.root);

  await assert.rejects(refused, { code: 'DATA_UNUSABLE', hint: /as the user who owns/ });
});
