import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDriver } from '../driver/memory.ts';
import type { Driver } from '../driver/driver.ts';
import type { Digest } from '../spec/digest.ts';
import type { StoreEvents } from '../spec/events.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { createContent } from './content.ts';
import { createDamage } from './damage.ts';
import { createLocks } from './locks.ts';
import { createManifestCache } from './manifest-cache.ts';
import { blobData } from './paths.ts';
import { createRepositories } from './repositories.ts';
import {
  descriptorOf,
  manifestOf,
  openStore,
  pushBlob,
  putManifest,
  repository,
  sha,
} from './store.suite.ts';

function openCache(cacheBytes: number) {
  const reads: string[] = [];
  const memory = createMemoryDriver();
  const driver: Driver = {
    ...memory,
    readSmall: (key, options) => {
      reads.push(key);
      return memory.readSmall(key, options);
    },
  };
  const events = {} as StoreEvents;
  const damage = createDamage({ driver, events, now: Date.now });
  const forget = (digest: Digest): void => cache.forget(digest);
  const content = createContent({ driver, events, locks: createLocks(), damage, forget });
  const cache = createManifestCache({
    driver,
    content,
    repositories: createRepositories(driver),
    cacheBytes,
  });
  return { driver, reads, cache };
}

test('what was read is kept up to the bound, the least recently used goes first', async () => {
  const texts = ['{"a":1}', '{"a":2}', '{"a":3}'];
  // Room for two: an entry counts 1024 and four times its text.
  const { driver, reads, cache } = openCache(2 * (1024 + 4 * 7));
  for (const text of texts) await driver.write(blobData(sha(text)), Buffer.from(text));
  const get = async (at: number) => await cache.get(sha(texts[at] ?? ''));

  for (const at of [0, 1, 0, 2, 0, 1]) await get(at);

  assert.deepEqual(
    reads.map((key) => texts.findIndex((text) => key === blobData(sha(text)))),
    [0, 1, 2, 1],
  );
});

test('a manifest larger than the bound is served and not kept', async () => {
  const { driver, reads, cache } = openCache(100);
  await driver.write(blobData(sha('{"a":1}')), Buffer.from('{"a":1}'));

  await cache.get(sha('{"a":1}'));
  await cache.get(sha('{"a":1}'));

  assert.equal(reads.length, 2);
});

const foreign: Readonly<Record<string, { text: string; mediaType: string }>> = {
  'schema 1': {
    text: '{"schemaVersion":1,"name":"a"}',
    mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  },
  'another media type': { text: '{"mediaType":"text/x"}', mediaType: 'text/x' },
  'an image without type': { text: '{"schemaVersion":2,"layers":[]}', mediaType: mediaTypes.ociManifest },
  'an index without type': { text: '{"schemaVersion":2,"manifests":[]}', mediaType: mediaTypes.ociIndex },
  'no JSON': { text: 'hello', mediaType: 'application/octet-stream' },
  null: { text: 'null', mediaType: mediaTypes.ociManifest },
};
for (const [name, { text, mediaType }] of Object.entries(foreign)) {
  test(`what another registry stored is served with its type: ${name}`, async () => {
    const { driver, cache } = openCache(1_000_000);
    await driver.write(blobData(sha(text)), Buffer.from(text));

    const stored = await cache.get(sha(text));

    assert.equal(stored?.mediaType, mediaType);
    assert.equal(new TextDecoder().decode(stored.bytes), text);
  });
}

test('what was pushed is seen at once, though it was looked for before', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const bytes = manifestOf({ config: descriptorOf('{}') });
  const reference = { kind: 'digest', digest: sha(bytes) } as const;

  assert.equal(await open.store.manifests.find(repository, reference), undefined);
  await putManifest(open.store, bytes);

  assert.equal((await open.store.manifests.find(repository, reference))?.digest, sha(bytes));
});
