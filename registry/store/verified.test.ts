import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../spec/digest.ts';
import { createVerified } from './verified.ts';

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}` as Digest;

test('codes are kept up to the limit, and those asked for last stay', () => {
  const verified = createVerified(2);
  const [one, two, three] = [digestOf('1'), digestOf('2'), digestOf('3')];

  verified.keep(one, 'a');
  verified.keep(two, 'b');
  assert.equal(verified.macOf(one), 'a');
  verified.keep(three, 'c');

  assert.deepEqual(
    [one, two, three].map((digest) => verified.macOf(digest)),
    ['a', undefined, 'c'],
  );
});

test('each store has a key of its own', () => {
  const [one, other] = [createVerified().macKey, createVerified().macKey];

  assert.equal(one.length, 16);
  assert.notDeepEqual(one, other);
});
