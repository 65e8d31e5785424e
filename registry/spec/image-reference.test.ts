import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEngineReference, parseImageReference } from './image-reference.ts';

const hash = `sha256:${'0'.repeat(64)}`;

for (const [text, own, engine = own] of [
  ['team/app', ['team/app', undefined, undefined]],
  ['team/app:1', ['team/app', '1', undefined]],
  ['app:1', ['app', '1', undefined]],
  [`team/app@${hash}`, ['team/app', undefined, hash]],
  ['localhost:5443/team/app:1', ['team/app', '1', undefined]],
  ['[::1]:5443/app:1', ['app', '1', undefined]],
  ['my.org/app:1', ['my.org/app', '1', undefined], ['app', '1', undefined]],
  ['localhost/app:1', ['localhost/app', '1', undefined], ['app', '1', undefined]],
  ['docker.io/library/app:1', ['docker.io/library/app', '1', undefined], ['library/app', '1', undefined]],
  [`team/app:1@${hash}`, undefined],
  ['team/app:', undefined],
  ['team/app:-1', undefined],
  ['team/App:1', undefined],
  ['team/app@sha256:0', undefined],
  ['../app:1', undefined],
  ['', undefined],
] as const) {
  test(`the name "${text}"`, () => {
    const found = [parseImageReference(text), parseEngineReference(text)].map(
      (each) => each && [each.repository, each.tag, each.digest],
    );

    assert.deepEqual(found, [own, engine]);
  });
}
