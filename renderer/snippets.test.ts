import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientFor, clients, getSnippet } from './snippets.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const base = { address: 'localhost:5443', repository: 'team/api' } as const;

test('each client has its own words for a tag', () => {
  const found = Object.fromEntries(
    clients.map(({ id }) => [id, getSnippet({ ...base, reference: '1.4', client: id })]),
  );

  assert.deepEqual(found, {
    docker: 'docker pull localhost:5443/team/api:1.4',
    podman: 'podman pull localhost:5443/team/api:1.4',
    nerdctl: 'nerdctl pull localhost:5443/team/api:1.4',
    skopeo: 'skopeo copy --all docker://localhost:5443/team/api:1.4 oci-archive:api-1.4.tar',
    crane: 'crane pull localhost:5443/team/api:1.4 api-1.4.tar',
    oras: 'oras pull localhost:5443/team/api:1.4',
    helm: 'helm pull oci://localhost:5443/team/api --version 1.4',
    kubernetes: 'image: localhost:5443/team/api:1.4',
    compose: 'image: localhost:5443/team/api:1.4',
  });
});

test('a digest is named with an at sign', () => {
  const found = Object.fromEntries(
    clients.map(({ id }) => [id, getSnippet({ ...base, reference: digest, client: id })]),
  );

  const name = `localhost:5443/team/api@${digest}`;
  assert.deepEqual(found, {
    docker: `docker pull ${name}`,
    podman: `podman pull ${name}`,
    nerdctl: `nerdctl pull ${name}`,
    skopeo: `skopeo copy --all docker://${name} oci-archive:api-0123456789ab.tar`,
    crane: `crane pull ${name} api-0123456789ab.tar`,
    oras: `oras pull ${name}`,
    helm: `helm pull oci://${name}`,
    kubernetes: `image: ${name}`,
    compose: `image: ${name}`,
  });
});

test('what a shell or YAML would read differently is quoted', () => {
  const odd = { address: '[::1]:5443', repository: 'api', reference: '1' } as const;

  assert.deepEqual(
    [getSnippet({ ...odd, client: 'docker' }), getSnippet({ ...odd, client: 'compose' })],
    ["docker pull '[::1]:5443/api:1'", 'image: "[::1]:5443/api:1"'],
  );
});

test('helm writes the plus of a version that a tag cannot have', () => {
  assert.equal(
    getSnippet({ ...base, reference: '1.4.0_build.7', client: 'helm' }),
    'helm pull oci://localhost:5443/team/api --version 1.4.0+build.7',
  );
});

test('an image is for the client that is liked, everything else for its own', () => {
  assert.deepEqual(
    [
      clientFor('image', 'podman'),
      clientFor('image', 'nonsense'),
      clientFor('helm', 'podman'),
      clientFor('wasm', 'podman'),
    ],
    ['podman', 'docker', 'helm', 'oras'],
  );
});
