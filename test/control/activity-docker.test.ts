/** What the activity says of a real docker. */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import type { SessionRow } from '../../registry/spec/admin/activity.ts';
import { users } from '../clients/workspace.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';

if (await isInsideEngine(import.meta.filename)) {
  test('docker is seen pushing, pushing what is there, and pulling, and named in tags and history', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-activity-'));
    await using registry = await startRegistry({
      auth: 'htpasswd',
      users,
      dataDir: join(folder.path, 'data'),
    });
    using client = await openClient(registry.dataDir);
    const address = `localhost:${registry.port}`;
    const docker = (...args: readonly string[]) => succeed('docker', args);
    await makeImage({ out: join(folder.path, 'app.tar'), ref: 'app:1', layers: 2 });
    await docker('load', '--input', join(folder.path, 'app.tar'));
    await succeed('docker', ['login', '--username', 'dev', '--password-stdin', address], {
      input: users.dev.password,
    });

    await docker('tag', 'app:1', `${address}/live/app:1`);
    await docker('push', `${address}/live/app:1`);
    const [pushed] = await client.call('sessions.list', {});
    await docker('tag', 'app:1', `${address}/live/other:1`);
    await docker('push', `${address}/live/other:1`);
    const [mounted] = await client.call('sessions.list', {});
    await docker('rmi', 'app:1', `${address}/live/app:1`, `${address}/live/other:1`);
    await docker('pull', `${address}/live/app:1`);
    const [pulled] = await client.call('sessions.list', {});

    const brief = (row: SessionRow | undefined) => [
      row?.kind,
      row?.user,
      row?.repository,
      row?.tag,
      row?.layers,
    ];
    const total = pushed?.layers.total ?? 0;
    assert.match(pushed?.client ?? '', /^docker \d+\.\d+$/);
    assert.ok(total >= 3);
    assert.deepEqual(brief(pushed), [
      'push',
      'dev',
      'live/app',
      '1',
      { done: total, reused: 0, open: 0, total },
    ]);
    // docker sends the config each time; the layers are mounted from the repository that it pushed to before.
    assert.equal(mounted?.layers.reused, total - 1);
    assert.ok((mounted?.bytesIn ?? 0) < 10_000);
    assert.deepEqual(brief(pulled), [
      'pull',
      'dev',
      'live/app',
      '1',
      { done: total, reused: 0, open: 0, total },
    ]);
    assert.equal(pulled?.bytesOut, pulled?.totalBytes);
    assert.equal(pulled?.totalBytes, pushed?.bytesIn);
    const tags = await client.call('tags.list', { repository: 'live/app' });
    const moves = await client.call('history.list', { repository: 'live/app' });
    assert.deepEqual([tags.rows[0]?.client, moves.rows[0]?.client], [pushed?.client, pushed?.client]);
  });
}
