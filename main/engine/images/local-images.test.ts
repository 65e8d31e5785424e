import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podmanImages } from './local-images.ts';

const id = 'a'.repeat(64);

test('podman images, as 4.3 and 5 write them', () => {
  const json = JSON.stringify([
    { Id: id, Names: ['localhost/app:1', 'localhost/app:latest'], Size: 4_000_000, Created: 1_700_000_000 },
    { Id: `sha256:${id}`, Names: ['docker.io/library/alpine:3'], Size: 8_000_000, Created: 1_600_000_000 },
    { Id: id, Names: null, Size: 1, Created: 1 },
    { Id: id, Dangling: true },
    'noise',
  ]);

  const images = podmanImages(json);

  const common = { id: `sha256:${id}`, sizeBytes: 4_000_000, createdAt: '2023-11-14T22:13:20.000Z' };
  assert.deepEqual(images, [
    { ...common, name: 'localhost/app:1' },
    { ...common, name: 'localhost/app:latest' },
    {
      ...common,
      name: 'docker.io/library/alpine:3',
      sizeBytes: 8_000_000,
      createdAt: '2020-09-13T12:26:40.000Z',
    },
  ]);
  assert.deepEqual(podmanImages(''), []);
});
