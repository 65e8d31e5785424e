import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName } from '../spec/names.ts';
import {
  actor,
  collect,
  descriptorOf,
  manifestOf,
  openStore,
  pushBlob,
  putManifest,
  repository,
  sha,
} from './store.suite.ts';

const subject = descriptorOf('subject', { mediaType: mediaTypes.ociManifest });
const config = descriptorOf('{}', { mediaType: 'application/vnd.example.config' });
const all = { artifactTypes: [], after: '' } as const;

test('a referrer is described by its own type, else by its config; an index without one has none', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const manifests = {
    own: manifestOf({ config, subject, artifactType: 'application/own', annotations: { a: 'b' } }),
    config: manifestOf({ config, subject }),
    index: manifestOf({ manifests: [], subject }),
    typedIndex: manifestOf({ manifests: [], subject, artifactType: 'application/own' }),
  };
  for (const bytes of Object.values(manifests)) await putManifest(open.store, bytes);
  await putManifest(open.store, manifestOf({ config, subject: descriptorOf('another') }));
  await putManifest(open.store, manifestOf({ config }));

  const listed = await collect(open.store.referrers.list(repository, sha('subject'), all));

  const wanted = [
    { bytes: manifests.own, artifactType: 'application/own', annotations: { a: 'b' } },
    { bytes: manifests.config, artifactType: 'application/vnd.example.config' },
    { bytes: manifests.index, mediaType: mediaTypes.ociIndex },
    { bytes: manifests.typedIndex, mediaType: mediaTypes.ociIndex, artifactType: 'application/own' },
  ].map(({ bytes, ...more }) => ({
    mediaType: mediaTypes.ociManifest,
    digest: sha(bytes),
    size: bytes.length,
    ...more,
  }));
  assert.deepEqual(
    listed,
    wanted.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
  );
});

test('referrers are filtered by any of the types, and go on after a digest', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const pushed = await Promise.all(
    ['a/1', 'a/2', 'a/3', 'a/1'].map(async (artifactType, at) => {
      const bytes = manifestOf({ config, subject, artifactType, annotations: { at: String(at) } });
      return { digest: (await putManifest(open.store, bytes)).digest, artifactType };
    }),
  );
  const list = async (artifactTypes: readonly string[], after = '') =>
    (await collect(open.store.referrers.list(repository, sha('subject'), { artifactTypes, after }))).map(
      ({ digest }) => digest,
    );
  const digests = (types: readonly string[]) =>
    pushed.flatMap(({ digest, artifactType }) => (types.includes(artifactType) ? [digest] : [])).toSorted();

  assert.deepEqual(await list(['a/1']), digests(['a/1']));
  assert.deepEqual(await list(['a/2', 'a/3']), digests(['a/2', 'a/3']));
  assert.deepEqual(await list(['a']), []);
  const every = digests(['a/1', 'a/2', 'a/3']);
  assert.deepEqual(await list([], every[1]), every.slice(2));
});

test('referrers outlive their subject, end with themselves and are those of one repository', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const subjectBytes = manifestOf({ config });
  const { digest: target } = await putManifest(open.store, subjectBytes);
  const referrer = manifestOf({ config, subject: descriptorOf(subjectBytes) });
  const { digest } = await putManifest(open.store, referrer);
  const list = (name: RepoName) => collect(open.store.referrers.list(name, target, all));

  await open.store.manifests.remove(repository, target, actor);
  assert.deepEqual(
    (await list(repository)).map((each) => each.digest),
    [digest],
  );
  assert.deepEqual(await list('other' as RepoName), []);

  await open.store.manifests.remove(repository, digest, actor);
  assert.deepEqual(await list(repository), []);
});
