import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf, sumOf } from './plan-deletion.ts';

test('tags of one digest stay together where there are too many for one plan', () => {
  const tags = Array.from({ length: 2500 }, (_, index) => `t${index}`);
  const digestOf = (tag: string): string => `sha256:${Number(tag.slice(1)) % 1250}`;

  const parts = partsOf(tags, digestOf);

  const ofDigest = new Map<string, Set<number>>();
  for (const [index, part] of parts.entries())
    for (const tag of part)
      ofDigest.set(digestOf(tag), (ofDigest.get(digestOf(tag)) ?? new Set()).add(index));
  assert.deepEqual(
    [
      parts.map((part) => part.length),
      new Set(parts.flat()).size,
      [...ofDigest.values()].every(({ size }) => size === 1),
    ],
    [[1000, 1000, 500], 2500, true],
  );
  assert.deepEqual(partsOf(['b', 'a'], digestOf), [['b', 'a']]);
});

test('a digest counts once, and only where no tag of it stays', () => {
  const row = (tag: string, digest: string, more: object = {}) => ({
    tag,
    digest,
    bytes: 10,
    staysWith: [],
    ...more,
  });
  const part = {
    repository: 'api',
    manifests: 1,
    freedBytes: 70,
    plan: 'hash',
    rows: [
      row('1', 'a'),
      row('1.0', 'a'),
      row('2', 'b', { staysWith: ['latest'] }),
      row('v3', 'c', { protectedBy: 'api:v*' }),
    ],
  };

  const { parts: _, ...sum } = sumOf([part]);

  assert.deepEqual(sum, { tags: 3, protectedTags: 1, digests: 1, freedBytes: 70, isExact: true });
  assert.equal(sumOf([part, part]).isExact, false);
});
