import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { openUploadState, sealUploadState, type UploadState } from './upload-state.ts';

const secret = randomBytes(32);
const state: UploadState = {
  repository: 'team/api',
  id: 'u',
  user: 'dev',
  algorithm: 'sha512',
  startedAt: 7,
};

test('a sealed state opens again with the same secret only', () => {
  const token = sealUploadState(secret, state);

  assert.deepEqual(openUploadState(secret, token), state);
  assert.equal(openUploadState(randomBytes(32), token), undefined);
});

test('changing any byte of a token makes it worthless', () => {
  const bytes = Buffer.from(sealUploadState(secret, state), 'base64url');

  for (let at = 0; at < bytes.length; at++) {
    const forged = Buffer.from(bytes);
    forged[at] = (forged[at] ?? 0) ^ 1;
    assert.equal(openUploadState(secret, forged.toString('base64url')), undefined, `byte ${at}`);
  }
});

test('fields cannot be shifted into each other', () => {
  // Oracle: equality of what went in.
  const text = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(text, text, text, (repository, id, user) => {
      const each: UploadState = { ...state, repository, id, user };
      assert.deepEqual(openUploadState(secret, sealUploadState(secret, each)), each);
    }),
  );
});

test('text that is no token opens as nothing', () => {
  for (const text of ['', 'AQ', '!!!', 'a'.repeat(500)])
    assert.equal(openUploadState(secret, text), undefined);
});
