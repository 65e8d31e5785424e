/**
 * Many clients push into one repository at once: all of it is listed, then and after a restart. REFERRERS_AT_ONCE: manifests
 * about one subject; TAGS_AT_ONCE: tags.
 */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRegistry } from '../support/registry.ts';
import { descriptor, digestOf, imageOf, ociManifest, pushImage, putManifest, sender } from './support.ts';

const referrerCount = Number(process.env['REFERRERS_AT_ONCE'] ?? 60);
const tagCount = Number(process.env['TAGS_AT_ONCE'] ?? 40);
const name = 'team/app';

test(`${referrerCount} referrers of one subject and ${tagCount} tags at once are all listed`, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-at-once-'));
  await using first = await startRegistry({ dataDir: directory.path });
  const subject = descriptor(imageOf(), ociManifest);
  await pushImage(sender(first), name, 'subject');
  const referrers = Array.from({ length: referrerCount }, (_, at) =>
    imageOf([], { subject, annotations: { at: String(at) } }),
  );
  const tags = Array.from({ length: tagCount }, (_, at) => `t${String(at).padStart(3, '0')}`);

  const pushed = await Promise.all([
    ...referrers.map((body) => putManifest(sender(first), name, digestOf(body), body)),
    ...tags.map((tag) => putManifest(sender(first), name, tag, imageOf())),
  ]);
  const listed = await lists(first);
  await first.stop();
  await using second = await startRegistry({ dataDir: directory.path });

  assert.deepEqual(new Set(pushed.map(({ status }) => status)), new Set([201]));
  const expected = {
    referrers: referrers.map((body) => digestOf(body)).toSorted(),
    tags: ['subject', ...tags],
  };
  assert.deepEqual([listed, await lists(second)], [expected, expected]);
  // One that is missing would be seen.
  const gone = `/v2/${name}/manifests/${expected.referrers[0]}`;
  assert.equal((await sender(second)('DELETE', gone)).status, 202);
  assert.deepEqual(await lists(second), { ...expected, referrers: expected.referrers.slice(1) });
  t.diagnostic(
    `${referrerCount} referrers and ${tagCount} tags by as many connections: ${listed.referrers.length} and ${listed.tags.length - 1} listed, and again after a restart`,
  );
});

async function lists(registry: Parameters<typeof sender>[0]) {
  const read = async (path: string): Promise<unknown> =>
    (await sender(registry)('GET', `/v2/${name}/${path}`)).json();
  const { manifests } = (await read(`referrers/${digestOf(imageOf())}`)) as {
    readonly manifests: readonly { readonly digest: string }[];
  };
  const { tags } = (await read('tags/list?n=1000')) as { readonly tags: readonly string[] };
  return { referrers: manifests.map(({ digest }) => digest).toSorted(), tags: tags.toSorted() };
}
