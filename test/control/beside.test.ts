/** Pushes beside a collection every second, on a real registry: what was acknowledged can be pulled, garbage goes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { glob } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { openClient } from '../../registry/cli/client.ts';
import { startRegistry } from '../support/registry.ts';

const pushes = Number(process.env['COLLECT_PUSHES'] ?? 250);
const clients = 4;
const graceMs = 5000;
const mediaType = 'application/vnd.oci.image.manifest.v1+json';
const repositories = ['team/a', 'team/b', 'other/c'];

interface Image {
  readonly digest: string;
  readonly blobs: readonly string[];
}

test(`${pushes} pushes with shared layers, mounts and deletes beside collections`, async (t) => {
  await using registry = await startRegistry({
    env: {
      BERTH_STORAGE_COLLECT_GRACE: `${graceMs}ms`,
      BERTH_STORAGE_COLLECT_UNTAGGED: 'true',
      BERTH_STORAGE_TRASH: '0s',
    },
  });
  using client = await openClient(registry.dataDir);
  using agent = createAgent();
  const send = sender(registry.plainUrl, agent.agent);
  /** What each tag means, as far as it was acknowledged. */
  const tags = new Map<string, Image>();
  const over = new AbortController();
  const collecting = collectUntil(over.signal);
  let next = 0;
  let [mounted, reused, deleted] = [0, 0, 0];

  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let at = next++; at < pushes; at = next++) await pushOrDelete(at);
    }),
  );
  over.abort();
  const collections = await collecting;

  for (const [name, image] of tags) assert.deepEqual(await broken(name, image), [], name);
  await delay(graceMs + 100);
  await client.call('trash.empty', {});
  // What is seen for the first time goes in the next run; layers of an untagged manifest go after it.
  for (let round = 0; round < 3; round++) {
    await client.call('collect.run', {});
    await delay(graceMs + 100);
  }
  const needed = [...tags.values()].flatMap(({ digest, blobs }) => [digest, ...blobs]);
  assert.deepEqual(await storedIn(registry.dataDir), [...new Set(needed)].toSorted());
  for (const [name, image] of tags) assert.deepEqual(await broken(name, image), [], name);
  t.diagnostic(
    `${collections} collections; ${mounted} mounts, ${reused} layers reused, ${deleted} tags deleted, ${tags.size} left`,
  );
  assert.ok(collections > 0 && mounted > 0 && reused > 0 && deleted > 0);

  /** Four in five push an image; the others delete the tag of one. Each tag belongs to one client at a time. */
  async function pushOrDelete(at: number): Promise<void> {
    const repository = repositories[at % repositories.length] ?? '';
    const name = `${repository}/manifests/t${at}`;
    if (at % 5 === 4) {
      const victim = [...tags.keys()].find((each) => each.startsWith(`${repository}/`));
      if (victim === undefined || !tags.delete(victim)) return;
      assert.equal((await send('DELETE', victim)).status, 202);
      deleted++;
      return;
    }
    // Some layers are of many images, some come back after their image was deleted, some are new.
    const layers = [`base ${at % 3}`, `app ${at % 17}`, `own ${at}`];
    const config = JSON.stringify({ at });
    const descriptors = [];
    for (const text of [config, ...layers]) descriptors.push(await putBlob(repository, text));
    const [first, ...rest] = descriptors;
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config: first, layers: rest });
    const { status, body } = await send('PUT', name, manifest, mediaType);
    assert.equal(status, 201, `${name}: ${String(body)}`);
    tags.set(name, { digest: digestOf(manifest), blobs: descriptors.map(({ digest }) => digest) });
  }

  /** As docker does: is it there, can it be mounted, else upload it. */
  async function putBlob(repository: string, text: string) {
    const digest = digestOf(text);
    const descriptor = { mediaType: 'application/vnd.test', digest, size: text.length };
    if ((await send('HEAD', `${repository}/blobs/${digest}`)).status === 200) {
      reused++;
      return descriptor;
    }
    const start = await send('POST', `${repository}/blobs/uploads/?mount=${digest}`);
    if (start.status === 201) mounted++;
    else {
      assert.equal(start.status, 202, String(start.body));
      const { status } = await send('PUT', `${start.location}&digest=${digest}`, text);
      assert.equal(status, 201);
    }
    return descriptor;
  }

  async function broken(name: string, { digest, blobs }: Image): Promise<readonly string[]> {
    const repository = name.replace(/\/manifests\/.*/, '');
    const found = await send('GET', name);
    const wrong = digestOf(found.body) === digest ? [] : [`${name}: ${found.status}`];
    for (const blob of blobs) {
      const { status, body } = await send('GET', `${repository}/blobs/${blob}`);
      if (digestOf(body) !== blob) wrong.push(`${blob}: ${status}`);
    }
    return wrong;
  }

  async function collectUntil(signal: AbortSignal): Promise<number> {
    let count = 0;
    while (!signal.aborted) {
      await client.call('collect.run', {});
      count++;
      await delay(1000, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
    return count;
  }
});

/** The digests of the blobs on the disk. */
async function storedIn(dataDir: string): Promise<readonly string[]> {
  const tree = join(dataDir, 'docker/registry/v2/blobs/sha256');
  const found = await Array.fromAsync(glob('*/*/data', { cwd: tree }));
  return found.map((path) => `sha256:${basename(dirname(path))}`).toSorted();
}

function digestOf(bytes: string | Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function createAgent(): Disposable & { readonly agent: Agent } {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

/** Sends a request below /v2/ on kept connections. */
function sender(url: string, agent: Agent) {
  return async (method: string, path: string, body = '', type = 'application/octet-stream') => {
    const { promise, resolve, reject } = Promise.withResolvers<{
      readonly status: number;
      readonly location: string;
      readonly body: Buffer;
    }>();
    const outgoing = httpRequest(
      url + (path.startsWith('/') ? path : `/v2/${path}`),
      { agent, method, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } },
      (response) => {
        const { statusCode: status = 0, headers } = response;
        buffer(response).then(
          (bytes) => resolve({ status, location: headers.location ?? '', body: bytes }),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
    return await promise;
  };
}
