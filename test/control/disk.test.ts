/** A disk that becomes full: pushes are refused in words, what nobody needs goes by itself, and pushes go on. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import { request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { needs } from '../support/tools.ts';

const mib = 1024 * 1024;

async function upload(registry: TestRegistry, bytes: Uint8Array) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const { status, body } = await request(registry.plainUrl, {
    method: 'POST',
    path: `/v2/disk/app/blobs/uploads/?digest=${digest}`,
    body: bytes,
    headers: { 'content-type': 'application/octet-stream' },
  });
  return { status, text: String(body) };
}

test(
  'below the reserve garbage goes at once, whatever its turn, and pushes are taken again',
  needs('root'),
  async () => {
    await using disk = await mountSmallDisk('size=96m');
    await using registry = await startRegistry({
      dataDir: join(disk.path, 'data'),
      env: {
        BERTH_STORAGE_RESERVE_BYTES: '16MiB',
        BERTH_STORAGE_RESERVE_PERCENT: '0',
        BERTH_STORAGE_WARN_BYTES: '40MiB',
        BERTH_STORAGE_WARN_PERCENT: '0',
        BERTH_STORAGE_COLLECT_GRACE: '1s',
      },
    });
    using client = await openClient(registry.dataDir);
    const ended = new AbortController();
    const states: (string | undefined)[] = [];
    const isState = Promise.withResolvers<void>();
    const watching = (async () => {
      for await (const items of client.subscribe('feed', {}, { signal: ended.signal })) {
        for (const { kind, disk: room } of items) if (kind === 'diskChanged') states.push(room?.state);
        if (states.includes('full') && states.at(-1) !== 'full') isState.resolve();
      }
    })();
    const before = (await client.call('status.get', {})).disk.state;
    assert.equal((await upload(registry, randomBytes(30 * mib))).status, 201);
    // The grace time is over.
    await delay(1100);
    const filler = join(disk.path, 'filler');
    await writeFile(filler, Buffer.alloc(55 * mib));
    await delay(1100);

    const refused = await upload(registry, randomBytes(mib));
    const { disk: full } = await client.call('status.get', {});
    await isState.promise;
    const taken = await upload(registry, randomBytes(mib));
    const [run] = await client.call('collect.runs', {});
    await rm(filler);
    ended.abort();
    await watching.catch(() => undefined);

    assert.deepEqual([before, full.state], ['ok', 'full']);
    assert.ok((full.freeBytes ?? 0) < 16 * mib && full.reserveBytes === 16 * mib, JSON.stringify(full));
    assert.equal(refused.status, 403);
    assert.match(
      refused.text,
      /"The disk of the registry is nearly full: \d+ MiB free, 16 MiB are kept in reserve\. Free some space, /,
    );
    assert.equal(taken.status, 201);
    assert.deepEqual([run?.trigger, run?.bytes, run?.user], ['low-disk', 30 * mib, undefined]);
    assert.deepEqual(states.slice(0, 1), ['full']);
  },
);

test('a disk that runs out of inodes refuses pushes in words', needs('root'), async () => {
  await using disk = await mountSmallDisk('size=64m,nr_inodes=300');
  await using registry = await startRegistry({
    dataDir: join(disk.path, 'data'),
    env: {
      BERTH_STORAGE_RESERVE_BYTES: '1MiB',
      BERTH_STORAGE_RESERVE_PERCENT: '10',
      BERTH_STORAGE_WARN_PERCENT: '0',
    },
  });

  const refused = await (async () => {
    for (let at = 0; at < 200; at++) {
      const answer = await upload(registry, randomBytes(100));
      if (answer.status !== 201) return answer;
      // A look at the disk counts for a second.
      if (at > 20) await delay(300);
    }
    return undefined;
  })();

  assert.equal(refused?.status, 403);
  assert.match(refused.text, /nearly full: \d+ files \(inodes\) free, 30 are kept in reserve\./);
});
