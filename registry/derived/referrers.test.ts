import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import { sha } from '../store/store.suite.ts';
import type { ManifestFacts } from './disk-facts.ts';
import { closeIndexFile, createIndexFile } from './index-file.ts';

const name = 'team/api' as RepoName;
const image = sha('image');

function facts(digest: Digest, more: Partial<ManifestFacts> = {}): ManifestFacts {
  return {
    isReadable: true,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: undefined,
    kind: 'other',
    attachments: [],
    subject: undefined,
    platforms: [],
    children: [],
    annotations: {},
    uses: [{ digest, kind: 'self', size: 100 }],
    pushedAt: 1000,
    createdAt: 0,
    lifetimeMs: undefined,
    ...more,
  };
}

/** An index with these manifests. */
function openWith(
  manifests: readonly (readonly [repository: string, digest: Digest, more?: Partial<ManifestFacts>])[],
) {
  const file = createIndexFile(':memory:', Date.now);
  for (const [repository, digest, more] of manifests)
    file.writer.setManifest(repository, digest, facts(digest, more));
  return { queries: file.queries, [Symbol.dispose]: () => closeIndexFile(file) };
}

test('referrers are those of the repository, by digest, page by page, with how many refer to them', () => {
  const signatures = Array.from({ length: 5 }, (_, at) => sha(`signature ${at}`)).toSorted();
  const sbom = sha('sbom');
  using index = openWith([
    [name, image],
    ...signatures.map(
      (digest) => [name, digest, { subject: image, artifactType: 'sig', annotations: { at: 'x' } }] as const,
    ),
    [name, sbom, { subject: image, artifactType: 'sbom', annotations: { long: 'x'.repeat(3000) } }],
    [name, sha('of the sbom'), { subject: sbom, artifactType: 'sig' }],
    ['other/one', sha('elsewhere'), { subject: image, artifactType: 'sig' }],
  ]);
  const ask = (more: object) =>
    index.queries.referrers({ repository: name, digest: image, limit: 2, ...more });

  const first = ask({ artifactType: 'sig' });
  const second = ask({ artifactType: 'sig', after: first.next });
  const third = ask({ artifactType: 'sig', after: second.next });
  const [described] = ask({ artifactType: 'sbom' }).rows;

  assert.deepEqual(
    [first, second, third].flatMap(({ rows }) => rows.map(({ digest }) => digest)),
    signatures,
  );
  assert.deepEqual([first.total, third.next, ask({}).total], [5, undefined, 6]);
  assert.deepEqual(described, {
    digest: sbom,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'sbom',
    totalBytes: 100,
    pushedAt: '1970-01-01T00:00:01.000Z',
    annotations: {},
    referrerCount: 1,
  });
  assert.deepEqual(first.rows[0]?.annotations, { at: 'x' });
  assert.throws(
    () => ask({ after: 'nonsense' }),
    (error) => isAppError(error, 'PAGE_INVALID'),
  );
  assert.deepEqual(index.queries.referrers({ repository: 'no/such' as RepoName, digest: image, limit: 2 }), {
    rows: [],
    total: 0,
  });
});

test('a blob is shared by other manifests, each counted once wherever it is, 100 at most', () => {
  const [base, own, popular] = [sha('base'), sha('own'), sha('popular')];
  const use = (digest: Digest) => ({ digest, kind: 'layer', size: 10 }) as const;
  using index = openWith([
    [name, image, { uses: [use(base), use(own), use(popular)] }],
    [name, sha('second'), { uses: [use(base)] }],
    ['copy/one', sha('second'), { uses: [use(base)] }],
    ['copy/one', image, { uses: [use(base), use(own), use(popular)] }],
    ...Array.from({ length: 150 }, (_, at) => [name, sha(`user ${at}`), { uses: [use(popular)] }] as const),
  ]);

  const shared = index.queries.sharing([base, own, popular, sha('unknown')], image);

  assert.deepEqual([...shared.values()], [1, 0, 100, 0]);
});

test('clients are told of referrers in byte order, by any of the types, with what there is of each', () => {
  const [sig, sbom, bare] = [sha('sig'), sha('sbom'), sha('bare')];
  using index = openWith([
    [name, image],
    [name, sig, { subject: image, artifactType: 'sig', annotations: { long: 'x'.repeat(3000) } }],
    [name, sbom, { subject: image, artifactType: 'sbom', uses: [{ digest: sbom, kind: 'self', size: 7 }] }],
    [name, bare, { subject: image, mediaType: 'application/vnd.oci.image.index.v1+json' }],
    ['other/one', sha('elsewhere'), { subject: image, artifactType: 'sig' }],
  ]);
  const ask = (artifactTypes: readonly string[], after = '', limit = 10) =>
    index.queries.referrerDescriptors(name, image, { artifactTypes, after, limit });

  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const all = [
    { mediaType, digest: sig, size: 100, artifactType: 'sig', annotations: { long: 'x'.repeat(3000) } },
    { mediaType, digest: sbom, size: 7, artifactType: 'sbom' },
    { mediaType: 'application/vnd.oci.image.index.v1+json', digest: bare, size: 100 },
  ].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  assert.deepEqual(ask([]), all);
  assert.deepEqual(ask([], all[0]?.digest, 1), [all[1]]);
  assert.deepEqual(
    ask(['sbom', "it's none"]).map(({ digest }) => digest),
    [sbom],
  );
  assert.deepEqual(ask(['sbom', 'sig']).length, 2);
  assert.deepEqual(ask(['absent']), []);
});
