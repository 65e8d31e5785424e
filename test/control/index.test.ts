/** The index of a real registry is lost, spoiled or left behind by a crash: lists, history and pulls are as before. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempDisposable, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
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

interface Pushed {
  readonly config?: string;
  readonly layer?: string;
}

async function push(
  registry: TestRegistry,
  name: string,
  tag: string,
  text: string,
  { config: configType = 'application/vnd.test', layer: layerType = 'application/vnd.test' }: Pushed = {},
): Promise<string> {
  const [config, layer] = await Promise.all(
    [['{}', configType] as const, [text, layerType] as const].map(async ([bytes, type]) => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      assert.equal(await send(registry, 'POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, bytes), 201);
      return { mediaType: type, digest, size: bytes.length };
    }),
  );
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] });
  assert.equal(await send(registry, 'PUT', `/v2/${name}/manifests/${tag}`, manifest), 201);
  return `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
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

test('lists are searched, sorted and told in names by the command line', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-index-'));
  await using registry = await startRegistry({ dataDir: directory.path });
  const image = { config: 'application/vnd.oci.image.config.v1+json' };
  const signature = { ...image, layer: 'application/vnd.dev.cosign.simplesigning.v1+json' };
  const first = await push(registry, 'team/api', '1.9', 'one', image);
  await push(registry, 'team/api', 'v1.10', 'three', image);
  await push(registry, 'team/api', `${first.replace(':', '-')}.sig`, 'a signature', signature);
  await push(registry, 'team/chart', '1.9', 'four', { config: 'application/vnd.cncf.helm.config.v1+json' });
  const lost = await push(registry, 'team/web', 'latest', 'five', image);
  const kept = await push(registry, 'team/web', 'latest', 'six', image);
  const berth = berthOn(registry.dataDir);
  const names = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await berth.run(...args, '-q')).split('\n').slice(0, -1);

  const repositories = {
    kind: await names('ls', '--filter', 'kind:helm'),
    tag: await names('ls', '--filter', ':1.9 -chart'),
    unsigned: await names('ls', '--filter', 'is:unsigned kind:image', '--reverse'),
    untagged: await names('ls', '--filter', 'is:untagged pushed:<1h'),
    tags: await names('ls', '--sort', 'tags'),
  };
  const tags = {
    signed: await names('tags', 'team/api', '--filter', 'is:signed'),
    versions: await names('tags', 'team/api', '--filter', '-is:fallback', '--sort', 'semver'),
    upwards: await names('ls', 'team/api', '--filter', '-is:fallback', '--reverse'),
  };
  const refused = await berth.try('tags', 'team/api', '--filter', 'is:sigend');
  using client = await openClient(registry.dataDir);
  const asked = client.call('tags.list', { repository: 'team/api', q: 'x arhc:1' });
  await assert.rejects(asked, { code: 'QUERY_INVALID', message: '"arhc:" is no key; did you mean arch:?' });
  const listed = await client.call('manifests.list', { repository: 'team/web', descending: false });
  const without = await client.call('manifests.list', { repository: 'team/web', untagged: true });
  const alone = await client.call('repositories.get', { repository: 'team/web' });
  const inList = await client.call('repositories.list', { q: 'team/web' });
  await assert.rejects(client.call('repositories.get', { repository: 'team/wep' }), {
    code: 'NAME_UNKNOWN',
    message: 'There is no repository "team/wep"; did you mean team/web?',
  });

  assert.deepEqual(repositories, {
    kind: ['team/chart'],
    tag: ['team/api'],
    unsigned: ['team/web', 'team/api'],
    untagged: ['team/web'],
    tags: ['team/api', 'team/chart', 'team/web'],
  });
  assert.deepEqual(tags, { signed: ['1.9'], versions: ['v1.10', '1.9'], upwards: ['1.9', 'v1.10'] });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^QUERY_INVALID: "sigend" is unknown; did you mean signed\?/);
  const reasons = (rows: typeof listed.rows) => rows.map(({ digest, keptBy }) => [digest, keptBy]);
  assert.deepEqual(
    new Map(reasons(listed.rows) as [string, string][]),
    new Map([
      [lost, 'grace'],
      [kept, 'tag'],
    ]),
  );
  assert.deepEqual([listed.total, without.total, reasons(without.rows)], [2, 1, [[lost, 'grace']]]);
  assert.deepEqual([alone], inList.rows);
});
