import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientName } from './client-name.ts';

const dockerAgent =
  'docker/28.2.2 go/go1.23.9 git-commit/45873be kernel/6.1 os/linux arch/amd64 UpstreamClient(Docker-Client/28.2.2)';

const cases: readonly (readonly [string | undefined, string])[] = [
  [dockerAgent, 'docker 28.2'],
  ['libpod/4.3.1', 'podman 4.3'],
  ['skopeo/1.9.3', 'skopeo 1.9'],
  ['Buildah/1.28.2', 'buildah 1.28'],
  ['containers/5.23.1 (github.com/containers/image)', 'containers/image'],
  ['containerd/1.6.20~ds1', 'containerd 1.6'],
  ['containerd/v2.0.0', 'containerd 2.0'],
  ['crane/v0.19.1 go-containerregistry/v0.19.1', 'crane 0.19'],
  ['curl/8.5.0', 'curl 8.5'],
  ['Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0', 'browser'],
  ['Go-http-client/1.1', 'go program'],
  ['cosign', 'cosign'],
  ['oras/main', 'oras'],
  ['constructor/1', 'constructor 1'],
  ['', 'unknown'],
  [undefined, 'unknown'],
  ['\u001b[31mred', 'unknown'],
];

for (const [agent, name] of cases) {
  test(`${JSON.stringify(agent ?? 'no header')} is ${name}`, () => {
    assert.equal(clientName(agent), name);
  });
}

test('whatever a client sends, its name is short and safe for a terminal', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 60 })), (agent) => {
      assert.match(clientName(agent), /^[A-Za-z0-9_.+/ -]{1,40}$/);
    }),
  );
});
