import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDriver } from '../driver/memory.ts';
import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { createTags, semverKey } from './tags.ts';

test('versions are ordered as semver.org orders them, other tags first', () => {
  // Oracle: the example chain of semver.org 2.0.0, section 11.
  const ordered = [
    'latest',
    '0.9',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    'v1.0.0',
    '1.2',
    '1.10.0',
    '2',
  ];

  const sorted = ordered.toReversed().toSorted((a, b) => (semverKey(a) < semverKey(b) ? -1 : 1));

  assert.deepEqual(sorted, ordered);
});

const repository = 'team/api' as RepoName;
const digest = `sha256:${'0'.repeat(64)}` as Digest;

test('a file system that ignores case refuses a tag that differs only in case', async () => {
  await using driver = createMemoryDriver();
  const tags = createTags(driver, 'darwin');
  await tags.move(repository, 'Latest' as Tag, digest);

  await assert.rejects(tags.checkStorable(repository, 'latest' as Tag), { code: 'TAG_INVALID' });
  await tags.checkStorable(repository, 'Latest' as Tag);
  await createTags(driver, 'linux').checkStorable(repository, 'latest' as Tag);
});

for (const tag of ['con', 'NUL', 'com1', 'aux.txt', 'a.']) {
  test(`Windows refuses the tag ${tag}`, async () => {
    await using driver = createMemoryDriver();

    await assert.rejects(createTags(driver, 'win32').checkStorable(repository, tag as Tag), {
      code: 'TAG_INVALID',
    });
  });
}
