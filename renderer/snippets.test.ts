import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf, clients, getSnippet, type SnippetInput, snippets } from './snippets.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const base = { address: 'localhost:5443', repository: 'team/api', user: 'dev' } as const;

function textsOf(input: SnippetInput): Readonly<Record<string, string>> {
  return Object.fromEntries(snippets(input).map(({ purpose, text }) => [purpose, text]));
}

test('each client has its own words for a tag', () => {
  const found = Object.fromEntries(
    clients.map(({ id }) => [id, textsOf({ ...base, reference: '1.4', client: id })]),
  );

  assert.deepEqual(found, {
    docker: {
      get: 'docker pull localhost:5443/team/api:1.4',
      put: 'docker tag api:1.4 localhost:5443/team/api:1.4\ndocker push localhost:5443/team/api:1.4',
      login: 'docker login --username dev localhost:5443',
    },
    podman: {
      get: 'podman pull localhost:5443/team/api:1.4',
      put: 'podman tag api:1.4 localhost:5443/team/api:1.4\npodman push localhost:5443/team/api:1.4',
      login: 'podman login --username dev localhost:5443',
    },
    nerdctl: {
      get: 'nerdctl pull localhost:5443/team/api:1.4',
      put: 'nerdctl tag api:1.4 localhost:5443/team/api:1.4\nnerdctl push localhost:5443/team/api:1.4',
      login: 'nerdctl login --username dev localhost:5443',
    },
    skopeo: {
      get: 'skopeo copy --all docker://localhost:5443/team/api:1.4 oci-archive:api-1.4.tar',
      put: 'skopeo copy --all oci-archive:api-1.4.tar docker://localhost:5443/team/api:1.4',
      login: 'skopeo login --username dev localhost:5443',
    },
    crane: {
      get: 'crane pull localhost:5443/team/api:1.4 api-1.4.tar',
      put: 'crane push api-1.4.tar localhost:5443/team/api:1.4',
      login: 'crane auth login --username dev localhost:5443',
    },
    oras: {
      get: 'oras pull localhost:5443/team/api:1.4',
      put: 'oras push localhost:5443/team/api:1.4 ./file',
      login: 'oras login --username dev localhost:5443',
    },
    helm: {
      get: 'helm pull oci://localhost:5443/team/api --version 1.4',
      put: 'helm push api-1.4.tgz oci://localhost:5443/team',
      login: 'helm registry login --username dev localhost:5443',
    },
    kubernetes: { get: 'image: localhost:5443/team/api:1.4' },
    compose: { get: 'image: localhost:5443/team/api:1.4' },
  });
});

test('a digest is named with an at sign, and nothing is put to it', () => {
  const found = Object.fromEntries(
    clients.map(({ id }) => [id, textsOf({ ...base, reference: digest, client: id })]),
  );

  const name = `localhost:5443/team/api@${digest}`;
  assert.deepEqual(
    Object.entries(found).map(([client, { get, put }]) => [client, get, put]),
    [
      ['docker', `docker pull ${name}`, undefined],
      ['podman', `podman pull ${name}`, undefined],
      ['nerdctl', `nerdctl pull ${name}`, undefined],
      ['skopeo', `skopeo copy --all docker://${name} oci-archive:api-0123456789ab.tar`, undefined],
      ['crane', `crane pull ${name} api-0123456789ab.tar`, undefined],
      ['oras', `oras pull ${name}`, undefined],
      ['helm', `helm pull oci://${name}`, undefined],
      ['kubernetes', `image: ${name}`, undefined],
      ['compose', `image: ${name}`, undefined],
    ],
  );
});

test('what a shell or YAML would read differently is quoted', () => {
  const odd = { address: '[::1]:5443', repository: 'api', reference: '1' } as const;

  assert.deepEqual(
    [
      getSnippet({ ...odd, client: 'docker' }),
      getSnippet({ ...odd, client: 'compose' }),
      textsOf({ ...odd, client: 'docker', user: "o'neil" })['login'],
    ],
    [
      "docker pull '[::1]:5443/api:1'",
      'image: "[::1]:5443/api:1"',
      String.raw`docker login --username 'o'\''neil' '[::1]:5443'`,
    ],
  );
});

test('helm writes the plus of a version that a tag cannot have', () => {
  assert.equal(
    getSnippet({ ...base, reference: '1.4.0_build.7', client: 'helm' }),
    'helm pull oci://localhost:5443/team/api --version 1.4.0+build.7',
  );
});

test('an unknown client is Docker', () => {
  assert.deepEqual(['podman', 'nonsense', ''].map(clientOf), ['podman', 'docker', 'docker']);
});
