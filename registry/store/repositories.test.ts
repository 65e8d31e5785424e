import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryDriver } from '../driver/memory.ts';
import type { Digest } from '../spec/digest.ts';
import type { RepoName } from '../spec/names.ts';
import { linkTo } from './links.ts';
import { layerLink, revisionLink } from './paths.ts';
import { createRepositories } from './repositories.ts';

const digest = `sha256:${'0'.repeat(64)}` as Digest;

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('repositories are listed in byte order of the whole name, after any text', async () => {
  // Oracle: sorting the names themselves.
  const name = fc.constantFrom(
    'a',
    'a/b',
    'a-b',
    'a.b',
    'a_b',
    'a/b/c',
    'a-b/c',
    'ab',
    'a/b-c',
    'a0',
    'a/b0',
    'b',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name),
      fc.oneof(name, fc.string({ maxLength: 4 })),
      async (names, after) => {
        await using driver = createMemoryDriver();
        await driver.commit([names.map((each) => linkTo(revisionLink(each, digest), digest))]);

        const listed = await collect(createRepositories(driver).list({ after }));

        assert.deepEqual(listed, names.filter((each) => each > after).toSorted());
      },
    ),
    { numRuns: 300 },
  );
});

test('a repository without a manifest is walked and not listed', async () => {
  await using driver = createMemoryDriver();
  const keys = [layerLink('only/layers', digest), revisionLink('with/manifest', digest)];
  await driver.commit([keys.map((key) => linkTo(key, digest))]);
  const repositories = createRepositories(driver);

  assert.deepEqual(await collect(repositories.walk()), ['only/layers', 'with/manifest']);
  assert.deepEqual(await collect(repositories.list({ after: '' })), ['with/manifest']);
  assert.deepEqual(await collect(repositories.revisions('with/manifest' as RepoName)), [digest]);
});
