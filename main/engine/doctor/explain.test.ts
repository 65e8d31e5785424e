import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { errors } from '../../../registry/spec/errors.ts';
import { explain, type ExplainedClient, explanations, type ExplanationId } from './explain.ts';

const address = 'registry.berth.test:5000';
const ref = `${address}/team/a:1`;

/** What each client prints around the cause, which comes from the packages of Go. */
const wrappers: readonly {
  readonly name: string;
  readonly client: ExplainedClient;
  /** What can be read out of the words around. */
  readonly fields: Readonly<Record<string, string>>;
  readonly wrap: (cause: string) => string;
}[] = [
  {
    name: 'docker 20',
    client: 'docker',
    fields: { address },
    wrap: (cause) => `Error response from daemon: Get "https://${address}/v2/": ${cause}`,
  },
  {
    name: 'docker 28',
    client: 'docker',
    fields: { address },
    wrap: (cause) => `Error response from daemon: Get "https://${address}/v2/": ${verified(cause)}`,
  },
  {
    name: 'docker 28, containerd store, pull',
    client: 'docker-containerd',
    fields: { address, ref },
    wrap: (cause) =>
      `Error response from daemon: failed to resolve reference "${ref}": failed to do request: Head "https://${address}/v2/team/a/manifests/1": ${verified(cause)}`,
  },
  {
    name: 'docker 28, containerd store, push',
    client: 'docker-containerd',
    fields: { address, ref: `${address}/team/a` },
    wrap: (cause) =>
      `The push refers to repository [${address}/team/a]\nfailed to do request: Head "https://${address}/v2/team/a/blobs/sha256:ab": ${verified(cause)}`,
  },
  {
    name: 'podman 4',
    client: 'podman',
    fields: { address, ref },
    wrap: (cause) =>
      `Trying to pull ${ref}...\nError: initializing source docker://${ref}: pinging container registry ${address}: Get "https://${address}/v2/": ${cause}`,
  },
  {
    name: 'podman 5',
    client: 'podman',
    fields: { address, ref },
    wrap: (cause) =>
      `Error: unable to copy from source docker://${ref}: initializing source docker://${ref}: pinging container registry ${address}: Get "https://${address}/v2/": ${verified(cause)}`,
  },
  {
    name: 'podman login',
    client: 'podman',
    fields: { address },
    wrap: (cause) =>
      `Error: authenticating creds for "${address}": pinging container registry ${address}: Get "https://${address}/v2/": ${cause}`,
  },
  {
    name: 'skopeo, whose log escapes quotes',
    client: 'podman',
    fields: { address, ref },
    wrap: (cause) =>
      `time="2026-01-02T03:04:05Z" level=fatal msg="Error parsing image name \\"docker://${ref}\\": pinging container registry ${address}: Get \\"https://${address}/v2/\\": ${cause.replaceAll('"', '\\"')}"`,
  },
  {
    name: 'crane',
    client: 'crane',
    fields: { address, ref },
    wrap: (cause) => `Error: fetching manifest ${ref}: Get "https://${address}/v2/": ${verified(cause)}`,
  },
  {
    name: 'oras',
    client: 'oras',
    fields: { address, ref },
    wrap: (cause) =>
      `Error: failed to fetch the content of "${ref}": Get "https://${address}/v2/team/a/manifests/1": ${verified(cause)}`,
  },
  {
    name: 'oras login',
    client: 'oras',
    fields: { address },
    wrap: (cause) =>
      `Error: failed to validate the credentials for ${address}: Get "https://${address}/v2/": ${verified(cause)}`,
  },
  {
    name: 'ctr',
    client: 'ctr',
    fields: { address, ref },
    wrap: (cause) =>
      `ctr: failed to resolve reference "${ref}": failed to do request: Head "https://${address}/v2/team/a/manifests/1": ${cause}`,
  },
  {
    name: 'BuildKit',
    client: 'buildkit',
    fields: { address, ref },
    wrap: (cause) =>
      `ERROR: failed to build: failed to solve: ${ref}: failed to resolve source metadata for ${ref}: failed to do request: Head "https://${address}/v2/team/a/manifests/1": ${verified(cause)}`,
  },
];

/** Newer clients put these words before what crypto/x509 says. */
function verified(cause: string): string {
  return cause.startsWith('x509: ') ? `tls: failed to verify certificate: ${cause}` : cause;
}

const causes: readonly {
  readonly id: ExplanationId;
  readonly cause: string;
  readonly fields?: Readonly<Record<string, string>>;
}[] = [
  { id: 'authority-unknown', cause: 'x509: certificate signed by unknown authority' },
  {
    id: 'certificate-sha1',
    cause:
      'x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA (temporarily override with GODEBUG=x509sha1=1)" while trying to verify candidate authority certificate "Berth CA")',
    fields: { algorithm: 'SHA1-RSA' },
  },
  {
    id: 'authority-replaced',
    cause:
      'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "Berth CA")',
    fields: { authority: 'Berth CA' },
  },
  {
    id: 'name-not-covered',
    cause: 'x509: certificate is valid for localhost, 127.0.0.1, ::1, not registry.berth.test',
    fields: { names: 'localhost, 127.0.0.1, ::1', name: 'registry.berth.test' },
  },
  {
    id: 'name-not-covered',
    cause: 'x509: certificate is valid for a.test, not 10.0.0.1',
    fields: { names: 'a.test', name: '10.0.0.1' },
  },
  {
    id: 'name-not-covered',
    cause: "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
    fields: { name: '10.0.0.1' },
  },
  {
    id: 'name-not-covered',
    cause: 'x509: certificate is not valid for any names, but wanted to match registry.berth.test',
    fields: { name: 'registry.berth.test' },
  },
  {
    id: 'names-missing',
    cause: 'x509: certificate relies on legacy Common Name field, use SANs instead',
  },
  { id: 'wrong-key-usage', cause: 'x509: certificate specifies an incompatible key usage' },
  {
    id: 'name-not-permitted',
    cause:
      'x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "x.test" is not permitted by any constraint',
    fields: { name: 'x.test' },
  },
  {
    id: 'name-not-permitted',
    cause:
      'x509: a root or intermediate certificate is not authorized to sign for this name: IP address "10.0.0.1" is not permitted by any constraint',
    fields: { name: '10.0.0.1' },
  },
  {
    id: 'certificate-expired',
    cause:
      'x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after 2026-01-01T00:00:00Z',
    fields: { time: '2026-01-02T03:04:05Z', limit: '2026-01-01T00:00:00Z' },
  },
  {
    id: 'certificate-not-yet-valid',
    cause:
      'x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is before 2026-02-01T00:00:00Z',
    fields: { time: '2026-01-02T03:04:05Z', limit: '2026-02-01T00:00:00Z' },
  },
  { id: 'server-without-tls', cause: 'http: server gave HTTP response to HTTPS client' },
  { id: 'server-without-tls', cause: 'tls: first record does not look like a TLS handshake' },
  { id: 'client-certificate-wanted', cause: 'remote error: tls: certificate required' },
  { id: 'tls-version', cause: 'remote error: tls: protocol version not supported' },
  { id: 'tls-version', cause: 'tls: server selected unsupported protocol version 302' },
  {
    id: 'tls-refused',
    cause: 'remote error: tls: handshake failure',
    fields: { alert: 'handshake failure' },
  },
  { id: 'connection-closed', cause: 'EOF' },
  { id: 'connection-closed', cause: 'read tcp 10.0.0.1:4->10.0.0.2:5: read: connection reset by peer' },
  {
    id: 'connection-refused',
    cause: 'dial tcp 10.99.0.1:5000: connect: connection refused',
    fields: { endpoint: '10.99.0.1:5000' },
  },
  {
    id: 'connection-refused',
    cause:
      'dial tcp [::1]:5000: connectex: No connection could be made because the target machine actively refused it.',
    fields: { endpoint: '[::1]:5000' },
  },
  {
    id: 'no-such-host',
    cause: 'dial tcp: lookup registry.berth.test on 127.0.0.1:53: no such host',
    fields: { host: 'registry.berth.test' },
  },
  {
    id: 'no-such-host',
    cause: 'dial tcp: lookup registry.berth.test: no such host',
    fields: { host: 'registry.berth.test' },
  },
  {
    id: 'no-such-host',
    cause:
      'dial tcp: lookup registry.berth.test on 127.0.0.1:53: read udp 127.0.0.1:4->127.0.0.1:53: read: connection refused',
    fields: { host: 'registry.berth.test' },
  },
  {
    id: 'no-answer',
    cause: 'dial tcp 10.99.0.1:5000: i/o timeout',
    fields: { endpoint: '10.99.0.1:5000' },
  },
  {
    id: 'no-answer',
    cause: 'dial tcp 10.99.0.1:5000: connect: no route to host',
    fields: { endpoint: '10.99.0.1:5000' },
  },
  { id: 'no-answer', cause: 'net/http: TLS handshake timeout' },
  {
    id: 'proxy-unreachable',
    cause: 'proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused',
    fields: { proxy: '127.0.0.1:3128' },
  },
  {
    id: 'proxy-unreachable',
    cause: 'proxyconnect tcp: dial tcp: lookup proxy on 127.0.0.1:53: no such host',
  },
  { id: 'proxy-refused', cause: 'Forbidden', fields: { status: 'Forbidden' } },
];

suite('the cause is told from the words around it', () => {
  for (const { name, client, fields, wrap } of wrappers) {
    test(name, () => {
      for (const row of causes) {
        const text = wrap(row.cause);

        const found = explain(text);

        const { cause, fix } = explanations[row.id];
        const expected = { id: row.id, client, cause, fix, fields: { ...fields, ...row.fields } };
        assert.deepEqual(found, expected, text);
      }
    });
  }
});

suite('every entry of the table', () => {
  for (const [id, { examples, cause, fix }] of Object.entries(explanations)) {
    test(`${id} is recognised in its examples, and says what to do`, () => {
      assert.deepEqual(
        examples.map((text) => explain(text)?.id),
        examples.map(() => id),
      );
      assert.ok(examples.length > 0);
      for (const sentence of [cause, fix.sentence]) assert.match(sentence, /^\S.*\.$/);
      assert.match(fix.command ?? 'berth doctor', commands);
    });
  }
});

const commands =
  /^berth (?:serve|trust add ENGINE|login|cert renew|doctor|doctor --fix|user passwd NAME|changes undo ID)$/;

/** What registries answer, in the words of each client. */
const refusals: readonly {
  readonly id: ExplanationId;
  readonly client: ExplainedClient | undefined;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}[] = [
  { id: 'login-missing', client: 'docker', text: 'no basic auth credentials', fields: {} },
  {
    id: 'login-missing',
    client: 'docker',
    text: `Error response from daemon: Head "https://${address}/v2/team/a/manifests/1": no basic auth credentials`,
    fields: { address },
  },
  {
    id: 'login-missing',
    client: 'docker-containerd',
    text: 'push access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
    fields: {},
  },
  {
    id: 'login-missing',
    client: 'oras',
    text: `Error: failed to resolve 1: GET "https://${address}/v2/team/a/manifests/1": credential required for basic auth`,
    fields: { address },
  },
  { id: 'login-refused', client: 'docker', text: 'unauthorized: authentication required', fields: {} },
  {
    id: 'login-refused',
    client: 'docker-containerd',
    text: `Error response from daemon: failed to resolve reference "${ref}": unexpected status from HEAD request to https://${address}/v2/team/a/manifests/1: 401 Unauthorized`,
    fields: { address, ref },
  },
  {
    id: 'login-refused',
    client: 'podman',
    text: `Error: reading manifest 1 in ${address}/team/a: unauthorized: authentication required`,
    fields: { address, ref },
  },
  {
    id: 'login-refused',
    client: 'podman',
    text: `Error: reading manifest sha256:ab in ${address}/team/a: authentication required`,
    fields: { address, ref: `${address}/team/a@sha256:ab` },
  },
  {
    id: 'login-refused',
    client: 'crane',
    text: `Error: fetching manifest ${ref}: GET https://${address}/v2/team/a/manifests/1: UNAUTHORIZED: authentication required; [map[Action:pull Class: Name:team/a Type:repository]]`,
    fields: { address, ref },
  },
  {
    id: 'login-refused',
    client: 'oras',
    text: `Error response from registry: failed to fetch the content of "${ref}": unauthorized: authentication required\nPlease check whether the registry credential stored in the authentication file at "/root/.docker/config.json" is correct`,
    fields: { address, ref, file: '/root/.docker/config.json' },
  },
  {
    id: 'login-refused',
    client: 'ctr',
    text: `ctr: failed to resolve reference "${ref}": pulling from host ${address} failed with status code [manifests 1]: 401 Unauthorized`,
    fields: { address, ref },
  },
  {
    id: 'wrong-password',
    client: 'docker',
    text: `Error response from daemon: login attempt to https://${address}/v2/ failed with status: 401 Unauthorized`,
    fields: { address },
  },
  {
    id: 'wrong-password',
    client: 'podman',
    text: `Error: logging into "${address}": invalid username/password`,
    fields: { address },
  },
  {
    id: 'wrong-password',
    client: 'oras',
    text: 'Error response from registry: unauthorized: authentication required',
    fields: {},
  },
  { id: 'login-refused', client: 'docker', text: 'unauthorized', fields: {} },
  { id: 'denied', client: 'docker', text: 'denied', fields: {} },
  { id: 'too-many-requests', client: 'docker', text: 'toomanyrequests', fields: {} },
  { id: 'not-supported', client: 'docker', text: 'unsupported', fields: {} },
  { id: 'denied', client: 'docker', text: 'denied: No.', fields: { message: 'No.' } },
  {
    id: 'denied',
    client: 'docker',
    text: `Error response from daemon: pull access denied for ${address}/team/a, repository does not exist or may require 'docker login': denied: No.`,
    fields: { address, ref: `${address}/team/a`, message: 'No.' },
  },
  {
    id: 'denied',
    client: 'docker',
    text: `Error response from daemon: pull access denied for ${address}/team/a, repository does not exist or may require 'docker login'`,
    fields: { address, ref: `${address}/team/a` },
  },
  {
    id: 'denied',
    client: 'docker-containerd',
    text: `Error response from daemon: failed to resolve reference "${ref}": unexpected status from HEAD request to https://${address}/v2/team/a/manifests/1: 403 Forbidden`,
    fields: { address, ref },
  },
  {
    id: 'denied',
    client: 'podman',
    text: `Error: reading manifest 1 in ${address}/team/a: denied: No.`,
    fields: { address, ref, message: 'No.' },
  },
  {
    id: 'denied',
    client: 'podman',
    text: `Error: checking whether a blob sha256:ab exists in ${address}/team/a: StatusCode: 403, ""`,
    fields: {},
  },
  {
    id: 'denied',
    client: 'crane',
    text: `Error: fetching manifest ${ref}: GET https://${address}/v2/team/a/manifests/1: DENIED: No.`,
    fields: { address, ref, message: 'No.' },
  },
  {
    id: 'denied',
    client: 'oras',
    text: 'Error response from registry: denied: No.',
    fields: { message: 'No.' },
  },
  {
    id: 'denied',
    client: 'ctr',
    text: `ctr: failed to resolve reference "${ref}": pulling from host ${address} failed with status code [manifests 1]: 403 Forbidden`,
    fields: { address, ref },
  },
  {
    id: 'not-found',
    client: 'docker',
    text: `Error response from daemon: manifest for ${ref} not found: manifest unknown: manifest unknown`,
    fields: { address, ref },
  },
  {
    id: 'not-found',
    client: 'docker-containerd',
    text: `Error response from daemon: failed to resolve reference "${ref}": ${ref}: not found`,
    fields: { address, ref },
  },
  {
    id: 'not-found',
    client: 'podman',
    text: `Error: reading manifest 1 in ${address}/team/a: manifest unknown`,
    fields: { address, ref },
  },
  {
    id: 'not-found',
    client: 'crane',
    text: `Error: fetching manifest ${ref}: GET https://${address}/v2/team/a/manifests/1: MANIFEST_UNKNOWN: There is no such manifest.`,
    fields: { address, ref },
  },
  {
    id: 'not-found',
    client: 'oras',
    text: `Error: failed to fetch the content of "${ref}": ${ref}: not found`,
    fields: { address, ref },
  },
  { id: 'too-many-requests', client: 'docker', text: 'toomanyrequests: Wait.', fields: { message: 'Wait.' } },
  { id: 'not-supported', client: 'docker', text: 'unsupported: No.', fields: { message: 'No.' } },
  {
    id: 'not-supported',
    client: 'crane',
    text: `Error: pushing image ${ref}: PUT https://${address}/v2/team/a/manifests/1: UNSUPPORTED: No.`,
    fields: { address, message: 'No.' },
  },
  {
    id: 'refused-with-message',
    client: 'docker-containerd',
    text: 'error from registry: No.',
    fields: { message: 'No.' },
  },
  { id: 'tag-refused', client: 'docker', text: 'tag invalid: No.', fields: { message: 'No.' } },
  {
    id: 'tag-refused',
    client: 'crane',
    text: `Error: pushing image ${ref}: PUT https://${address}/v2/team/a/manifests/1: TAG_INVALID: No.`,
    fields: { address, message: 'No.' },
  },
  {
    id: 'server-failed',
    client: 'docker',
    text: 'received unexpected HTTP status: 507 Insufficient Storage',
    fields: { status: '507' },
  },
  {
    id: 'answer-is-html',
    client: 'docker',
    text: `error parsing HTTP 413 response body: invalid character '<' looking for beginning of value: "<html>"`,
    fields: { status: '413' },
  },
  { id: 'answer-is-html', client: 'docker', text: 'unknown: <html><head>', fields: {} },
  {
    id: 'answer-is-html',
    client: 'podman',
    text: `Error: reading manifest 1 in ${address}/team/a: StatusCode: 404, "<html><head>..."`,
    fields: { address, ref, status: '404' },
  },
  {
    id: 'token-authority-unknown',
    client: 'docker-containerd',
    text: `Error response from daemon: failed to resolve reference "${ref}": failed to authorize: failed to fetch oauth token: Post "https://${address}/token": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    fields: { address, ref },
  },
  {
    id: 'login-refused',
    client: 'docker-containerd',
    text: `Error response from daemon: failed to resolve reference "${ref}": failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://${address}/token: 401 Unauthorized`,
    fields: { address, ref },
  },
  {
    id: 'client-without-tls',
    client: 'docker',
    text: `Error response from daemon: Get "http://${address}/v2/": EOF`,
    fields: { address },
  },
  {
    id: 'server-without-tls',
    client: 'crane',
    text: `Error: fetching manifest ${ref}: Get "https://${address}/v2/": http: server gave HTTP response to HTTPS client; Get "http://${address}/v2/": EOF`,
    fields: { address, ref },
  },
  {
    id: 'client-key-missing',
    client: 'docker',
    text: 'Error response from daemon: missing key client.key for client certificate client.cert. CA certificates must use the extension .crt',
    fields: { file: 'client.key' },
  },
  {
    id: 'certificate-link-broken',
    client: 'docker',
    text: `Error response from daemon: open /etc/docker/certs.d/${address}/ca.crt: no such file or directory`,
    fields: { address, file: `/etc/docker/certs.d/${address}/ca.crt` },
  },
  {
    id: 'connection-refused',
    client: 'podman',
    text: `time="2026-01-02T03:04:05Z" level=warning msg="open /etc/docker/certs.d/${address}/ca.crt: no such file or directory"\nError: pinging container registry ${address}: Get "https://${address}/v2/": dial tcp 10.99.0.1:5000: connect: connection refused`,
    fields: { address, endpoint: '10.99.0.1:5000' },
  },
  {
    id: 'daemon-flag-conflict',
    client: 'docker',
    text: 'unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives are specified both as a flag and in the configuration file: insecure-registries: (from flag: [b:2], from file: [a:1])',
    fields: { key: 'insecure-registries' },
  },
  {
    id: 'daemon-json-invalid',
    client: 'docker',
    text: "unable to configure the Docker daemon with file C:\\ProgramData\\docker\\config\\daemon.json: invalid character '<' looking for beginning of value",
    fields: {
      file: 'C:\\ProgramData\\docker\\config\\daemon.json',
      detail: "invalid character '<' looking for beginning of value",
    },
  },
  {
    id: 'insecure-registry-invalid',
    client: 'docker',
    text: 'failed to start daemon: insecure registry a b is not valid: invalid host "a b"',
    fields: { entry: 'a b' },
  },
  {
    id: 'credential-helper-missing',
    client: 'docker',
    text: 'error storing credentials - err: exec: "docker-credential-x": executable file not found in $PATH, out: ``',
    fields: { program: 'docker-credential-x' },
  },
  {
    id: 'engine-not-running',
    client: undefined,
    text: 'error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/info": dial unix /var/run/docker.sock: connect: connection refused',
    fields: { socket: '/var/run/docker.sock' },
  },
];

suite('what a registry or an engine refuses', () => {
  for (const { id, client, text, fields } of refusals) {
    test(`${client ?? 'any client'}, ${id}: ${text.slice(0, 80).split('\n')[0]}`, () => {
      const found = explain(text);

      assert.deepEqual([found?.id, found?.client, found?.fields], [id, client, fields]);
    });
  }
});

test('what Berth itself answers is told apart, although several share one code of the protocol', () => {
  const answers = {
    STORAGE_FULL: 'disk-full',
    HOST_DENIED: 'host-unknown',
    DENIED: 'denied',
    STORAGE_READ_ONLY: 'not-supported',
    TOO_MANY_LOGINS: 'too-many-requests',
    UNAUTHORIZED: 'login-missing',
    NAME_UNKNOWN: 'not-found',
  } as const satisfies Partial<Record<keyof typeof errors, ExplanationId>>;

  const found = Object.keys(answers).map((code) => {
    const { oci, message } = errors[code as keyof typeof answers];
    return explain(`${oci.toLowerCase().replace('_', ' ')}: ${message}`)?.id;
  });

  assert.deepEqual(found, Object.values(answers));
});

test('other texts are not explained', () => {
  const texts = [
    '',
    'Login Succeeded',
    'hello from berth\n',
    'sh: 1: frobnicate: not found',
    'bash: frobnicate: command not found',
    "PermissionError: [Errno 13] Permission denied: '/x'",
    'Failed to reload docker.service: Interactive authentication required.',
    'open /etc/hosts: no such file or directory',
    'read /etc: is a directory',
    "SyntaxError: invalid character '}' in identifier",
    'curl: (7) Failed to connect to localhost port 5000 after 0 ms: Connection refused',
    'No space left on device',
    'Error response from daemon: conflict: unable to remove repository reference "app:1" (must force)',
    'Error response from daemon: No such container: x',
    '1: digest: sha256:ab size: 500 denied',
    'the certificate is valid for 3 days, not 4',
  ];

  assert.deepEqual(
    texts.map((text) => explain(text)?.id),
    texts.map(() => undefined),
  );
});

test('colours and carriage returns do not hide an error', () => {
  const text = `\u001b[31mError response from daemon:\u001b[0m Get "https://${address}/v2/": x509: \u001b[1mcertificate signed by unknown authority\u001b[0m\r\n`;

  const found = explain(text);

  assert.deepEqual([found?.id, found?.client, found?.fields], ['authority-unknown', 'docker', { address }]);
});

test('a password in a URL stays out of the fields', () => {
  const found = explain(
    'Error reconfiguring the daemon: invalid mirror: "http://dev:secret@h:1/?q" is not a valid URI',
  );

  assert.deepEqual(found?.fields, { entry: 'http://h:1/?q' });
});

test('only the first 64 KiB are looked at', () => {
  const error = 'no basic auth credentials';
  const before = (length: number): string => 'x'.repeat(length - 1) + '\n';

  const found = [64 * 1024 - error.length, 64 * 1024].map((length) => explain(before(length) + error)?.id);

  assert.deepEqual(found, ['login-missing', undefined]);
});

const pieces = Object.values(explanations)
  .flatMap(({ examples }) => examples)
  .flatMap((text) => text.split(/(?<=[ "/:,])/));

test('no text makes it throw, hang or answer with control characters', () => {
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 8 }));
  const whole = fc.constantFrom(...Object.values(explanations).flatMap(({ examples }) => examples));
  const inserted = fc
    .tuple(whole, fc.nat(), fc.string({ unit: 'binary', maxLength: 8 }))
    .map(([text, at, more]) => text.slice(0, at % text.length) + more + text.slice(at % text.length));

  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((parts) => parts.join('')),
        inserted,
      ),
      (text) => {
        const fields = Object.values(explain(text)?.fields ?? {});

        for (const value of fields) {
          assert.doesNotMatch(value, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          assert.ok(value.length <= 500);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('control characters inside of what is read out are taken away', () => {
  const found = explain('denied: a\u001b]0;title\u0007b\u202ec\u2028d\ud800');

  assert.deepEqual(found?.fields, { message: 'a]0;titlebcd' });
});

/** Beginnings of patterns without an end, which make a pattern that is not linear start over at each of them. */
const hostile = [
  ...new Set(pieces.filter((piece) => piece.length > 3)),
  'certificate is valid for a, ',
  'a, ',
  'docker://',
  'docker://a',
  'open /certs.d/',
  '/certs.d/',
  'dial tcp ',
  'Get "http://',
  'Get "https://a/v2/',
  'unknown authority (possibly because of "',
  'failed to fetch oauth token: ',
  'failed to resolve reference "',
  'failed to solve: ',
  'Error response from registry: unauthorized: ',
  'access denied',
  'insecure registry ',
  'insecure registry a',
  'invalid mirror: ',
  '"',
  ' ',
  '\u001b[0;',
  '\\"',
  '//a',
];

/** What so many texts cost this thread, in milliseconds; what other processes do is not in it. */
function costOf(text: string, times: number): number {
  const before = process.threadCpuUsage();
  for (let at = 0; at < times; at++) explain(text);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

test('the time grows with the length of the text and not faster, whatever the text repeats', () => {
  const sizes = [6_400, 64_000] as const;

  for (const piece of hostile) {
    // As much text of both: a clock of the processor that counts in steps of 4 ms sees nothing of a short one alone.
    const texts = sizes.map((size) => ({ text: piece.repeat(size / piece.length), times: sizes[1] / size }));
    const isLinear = (small: number, large: number): boolean =>
      // Below a few milliseconds the clock and the compiler weigh more than the text.
      large < Math.max(1.5 * small, 15);
    let least: readonly number[] = [Infinity, Infinity];
    // In turn, and the least of several: a cold cache or a pause of the collector makes one dearer, nothing makes it cheaper.
    for (let round = 0; round < 10 && !isLinear(least[0] ?? 0, least[1] ?? 0); round++) {
      least = texts.map(({ text, times }, at) => Math.min(least[at] ?? 0, costOf(text, times)));
    }

    const [small = 0, large = 0] = least;
    assert.ok(isLinear(small, large), `${JSON.stringify(piece)}: ${small} ms, ${large} ms`);
  }
});

test('megabytes cost no more than the part that is looked at', () => {
  const text = 'certificate is valid for a, '.repeat(400_000);
  const least = Math.min(...Array.from({ length: 3 }, () => costOf(text, 1)));

  assert.ok(least < 200, `${least} ms`);
});
