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
