import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstPushOf, recipeOf } from './recipe.ts';

test('each engine has the commands of its own program, and a cluster what it reads', () => {
  assert.deepEqual(
    ['docker-desktop', 'podman-machine', 'containerd', 'kind', 'buildkit'].map((kind) =>
      recipeOf(kind, 'reg:5443').split('\n'),
    ),
    [
      ['docker tag app:1 reg:5443/app:1', 'docker push reg:5443/app:1', 'docker pull reg:5443/app:1'],
      ['podman tag app:1 reg:5443/app:1', 'podman push reg:5443/app:1', 'podman pull reg:5443/app:1'],
      ['nerdctl tag app:1 reg:5443/app:1', 'nerdctl push reg:5443/app:1', 'nerdctl pull reg:5443/app:1'],
      ['image: reg:5443/app:1'],
      ['docker buildx build --push -t reg:5443/app:1 .'],
    ],
  );
  assert.deepEqual(
    ['podman', 'kind'].map((kind) => firstPushOf(kind, 'reg:5443', 'dev').split('\n')),
    [
      ['podman login -u dev reg:5443', 'podman tag app:1 reg:5443/app:1', 'podman push reg:5443/app:1'],
      ['docker login -u dev reg:5443', 'docker tag app:1 reg:5443/app:1', 'docker push reg:5443/app:1'],
    ],
  );
});

test('an image of the engine is named as it is there, and as it will be here', () => {
  const named = { image: 'docker.io/library/alpine:3', target: 'alpine:3' };

  assert.deepEqual(firstPushOf('podman', 'reg:5443', 'dev', named).split('\n'), [
    'podman login -u dev reg:5443',
    'podman tag docker.io/library/alpine:3 reg:5443/alpine:3',
    'podman push reg:5443/alpine:3',
  ]);
});
