/** The index of a real registry is lost, spoiled or left behind by a crash: lists, history and pulls are as before. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempDisposable, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

async function send(registry: TestRegistry, method: string, path: string, body?: string): Promise<number> {
  const headers = { 'content-type': path.includes('/manifests/') ? mediaType : 'application/octet-stream' };
  const answer = await request(registry.plainUrl, {
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return answer.status;
}

async function push(registry: TestRegistry, name: string, tag: string, text: string): Promise<void> {
  const [config, layer] = await Promise.all(
    ['{}', text].map(async (bytes) => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      assert.equal(await send(registry, 'POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, bytes), 201);
      return { mediaType: 'application/vnd.test', digest, size: bytes.length };
    }),
  );
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] });
  assert.equal(await send(registry, 'PUT', `/v2/${name}/manifests/${tag}`, manifest), 201);
}

async function look({ dataDir }: TestRegistry): Promise<readonly unknown[]> {
  const berth = berthOn(dataDir);
  const isReady = async (): Promise<boolean> =>
    ((await berth.json('status')) as { readonly index: string }).index === 'ready';
  while (!(await isReady())) await delay(20);
  return [
    await berth.json('ls'),
    await berth.json('tags', 'team/api', '--sort', 'name'),
    await berth.json('history', 'team/api'),
    await berth.json('history', 'team/web'),
  ];
}

const accidents: Readonly<Record<string, (registry: TestRegistry) => Promise<void>>> = {
  'the index is deleted': async (registry) => {
    await registry.stop();
    await rm(join(registry.dataDir, 'berth', 'index.sqlite'));
  },
  'the index is garbage': async (registry) => {
    await registry.stop();
    await writeFile(join(registry.dataDir, 'berth', 'index.sqlite'), 'garbage'.repeat(5000));
  },
  'the process is killed': async (registry) => {
    await registry.kill('SIGKILL');
  },
  'the process is killed and the journal is torn': async (registry) => {
    await registry.kill('SIGKILL');
    const month = new Date().toISOString().slice(0, 7);
    const journal = join(registry.dataDir, 'berth', 'journal', `${month}.ndjson`);
    await writeFile(journal, '{"at":"2026-', { flag: 'a' });
  },
};

for (const [accident, happen] of Object.entries(accidents)) {
  test(`${accident}: after the next start nothing is missing`, async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-index-'));
    const dataDir = directory.path;
    await using first = await startRegistry({ dataDir });
    for (const text of ['one', 'two']) await push(first, 'team/api', 'latest', text);
    await push(first, 'team/api', '1', 'three');
    await push(first, 'team/web', '1', 'three');
    assert.equal(await send(first, 'GET', '/v2/team/api/manifests/latest'), 200);
    await first.stop();
    await using second = await startRegistry({ dataDir });
    await push(second, 'team/api', '2', 'four');
    const before = await look(second);
    await happen(second);

    await using third = await startRegistry({ dataDir });
    const after = await look(third);

    assert.deepEqual(after, before);
    assert.match(JSON.stringify(after), /"pullCount":1/);
    assert.equal((await stat(join(dataDir, 'berth', 'index.sqlite'))).mode & 0o777, 0o600);
  });
}
