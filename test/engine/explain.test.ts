import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, mkdtempDisposable, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { explain, type ExplainedClient, type ExplanationId } from '../../main/engine/doctor/explain.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed, type RunOptions } from '../support/process.ts';
import { needs } from '../support/tools.ts';

/** A name that is not loopback for docker, so that it verifies the certificate: see private-engine.sh. */
const engineName = 'registry.berth.test';

const passwords = { right: 'correct horse', wrong: 'wrong' };

/** Certificates of one key each, by the openssl program; the authority is `authority` where none is named. */
interface Leaf {
  readonly names?: string;
  readonly usage?: string;
  /** Days from today. */
  readonly from?: number;
  readonly to?: number;
  readonly digest?: string;
  readonly authority?: string;
}
const leaves = {
  good: {},
  wrongName: { names: 'DNS:localhost,IP:127.0.0.1,DNS:other.berth.test' },
  commonNameOnly: { names: '' },
  forClients: { usage: 'clientAuth' },
  outsideConstraint: { authority: 'narrow' },
  expired: { from: -5, to: -1 },
  future: { from: 2, to: 5 },
  sha1: { digest: 'sha1' },
} as const satisfies Record<string, Leaf>;

interface FaultyServer {
  /** The certificate; `undefined` is plain HTTP. */
  readonly leaf?: keyof typeof leaves;
  /** What the clients trust: `authority`, another one, or none. */
  readonly trusted?: 'authority' | 'namesake' | 'narrow' | 'none';
  readonly tls?: ServerOptions;
  readonly answer?: RequestListener;
}

const servers = {
  good: { leaf: 'good', answer: refuse(404, 'MANIFEST_UNKNOWN', 'There is no such manifest.') },
  untrusted: { leaf: 'good', trusted: 'none' },
  newAuthority: { leaf: 'good', trusted: 'namesake' },
  wrongName: { leaf: 'wrongName' },
  commonNameOnly: { leaf: 'commonNameOnly' },
  forClients: { leaf: 'forClients' },
  outsideConstraint: { leaf: 'outsideConstraint', trusted: 'narrow' },
  expired: { leaf: 'expired' },
  future: { leaf: 'future' },
  sha1: { leaf: 'sha1', tls: { ciphers: 'DEFAULT@SECLEVEL=0' } },
  plain: {},
  mutual: { leaf: 'good', tls: { requestCert: true, rejectUnauthorized: true } },
  oldTls: {
    leaf: 'good',
    tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
  },
  oddCipher: { leaf: 'good', tls: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-CCM' } },
  login: { leaf: 'good', answer: wantLogin },
  denied: { leaf: 'good', answer: refuse(403, 'DENIED', 'The user dev may not do that in team/app.') },
  nameless: { leaf: 'good', answer: refuse(404, 'NAME_UNKNOWN', 'There is no such repository.') },
  busy: { leaf: 'good', answer: refuse(429, 'TOOMANYREQUESTS', 'Too many wrong passwords.') },
  readOnly: { leaf: 'good', answer: refuse(405, 'UNSUPPORTED', 'The registry is read-only.') },
  failing: { leaf: 'good', answer: refuse(500, 'UNKNOWN', 'An error inside the registry.') },
  webPage: { leaf: 'good', answer: sendWebPage },
  otherHost: { leaf: 'good', answer: (req, res) => sendError(req, res, 421, 'DENIED', 'Not this host.') },
  hangsUp: { leaf: 'good', answer: (req) => req.socket.destroy() },
} as const satisfies Record<string, FaultyServer>;
type ServerName = keyof typeof servers | 'nobody' | 'noHost' | 'noRoute';

/** Where a command finds what it needs. */
interface Place {
  readonly folder: string;
  readonly address: string;
  readonly ref: string;
}

interface Client {
  readonly client: ExplainedClient | undefined;
  readonly tool: string;
  readonly command: (place: Place) => readonly string[];
  readonly options?: RunOptions;
}

const loginArgs = ['--username', 'dev', '--password-stdin'];
const clients = {
  'docker pull': { client: 'docker', tool: 'docker', command: ({ ref }) => ['docker', 'pull', ref] },
  'docker push': { client: 'docker', tool: 'docker', command: ({ ref }) => ['docker', 'push', ref] },
  'docker login': {
    client: 'docker',
    tool: 'docker',
    command: ({ address }) => ['docker', 'login', ...loginArgs, address],
    options: { input: passwords.wrong },
  },
  'podman pull': {
    client: 'podman',
    tool: 'podman',
    command: ({ folder, ref }) => ['podman', ...podmanFolders(folder), 'pull', ref],
  },
  'podman login': {
    client: 'podman',
    tool: 'podman',
    command: ({ folder, address }) => ['podman', ...podmanFolders(folder), 'login', ...loginArgs, address],
    options: { input: passwords.wrong },
  },
  'buildah pull': {
    client: 'podman',
    tool: 'buildah',
    command: ({ folder, ref }) => ['buildah', ...storageFolders(folder), 'pull', `docker://${ref}`],
  },
  'buildah login': {
    client: 'podman',
    tool: 'buildah',
    command: ({ folder, address }) => ['buildah', ...storageFolders(folder), 'login', ...loginArgs, address],
    options: { input: passwords.wrong },
  },
  'skopeo inspect': {
    client: 'podman',
    tool: 'skopeo',
    command: ({ ref }) => ['skopeo', 'inspect', `docker://${ref}`],
  },
  'skopeo copy': {
    client: 'podman',
    tool: 'skopeo',
    command: ({ folder, ref }) => ['skopeo', 'copy', `oci:${join(folder, 'layout')}:1`, `docker://${ref}`],
  },
  // ctr of containerd 1.6 reads no certs.d by itself.
  'ctr pull': {
    client: 'ctr',
    tool: 'containerd',
    command: ({ ref }) => ['ctr', ...ctrSocket, 'images', 'pull', '--hosts-dir', '/etc/docker/certs.d', ref],
  },
} as const satisfies Record<string, Client>;
type ClientName = keyof typeof clients;

const ctrSocket = ['--address', '/run/docker/containerd/containerd.sock'];
const verifying = [
  'docker pull',
  'docker login',
  'podman login',
  'buildah login',
  'skopeo inspect',
  'ctr pull',
] as const;
const pulling = ['docker pull', 'podman pull', 'buildah pull', 'skopeo inspect', 'ctr pull'] as const;

const rows: readonly {
  readonly name: string;
  readonly server: ServerName;
  readonly host?: string;
  readonly clients: readonly ClientName[];
  readonly id: ExplanationId;
}[] = [
  {
    name: 'an unknown authority',
    server: 'untrusted',
    clients: [...verifying, 'docker push'],
    id: 'authority-unknown',
  },
  {
    name: 'a new authority of the same name',
    server: 'newAuthority',
    clients: verifying,
    id: 'authority-replaced',
  },
  { name: 'a certificate for other names', server: 'wrongName', clients: verifying, id: 'name-not-covered' },
  {
    name: 'a certificate for names, at an address',
    server: 'wrongName',
    host: '10.99.0.1',
    clients: verifying,
    id: 'name-not-covered',
  },
  {
    name: 'a certificate with a Common Name only',
    server: 'commonNameOnly',
    clients: verifying,
    id: 'names-missing',
  },
  { name: 'a certificate for clients', server: 'forClients', clients: verifying, id: 'wrong-key-usage' },
  {
    name: 'a name that the authority may not sign',
    server: 'outsideConstraint',
    clients: verifying,
    id: 'name-not-permitted',
  },
  { name: 'an expired certificate', server: 'expired', clients: verifying, id: 'certificate-expired' },
  {
    name: 'a certificate of the future',
    server: 'future',
    clients: verifying,
    id: 'certificate-not-yet-valid',
  },
  { name: 'a certificate signed with SHA-1', server: 'sha1', clients: verifying, id: 'certificate-sha1' },
  { name: 'a server without TLS', server: 'plain', clients: verifying, id: 'server-without-tls' },
  {
    name: 'TLS that fails on loopback, where docker falls back',
    server: 'mutual',
    host: 'localhost',
    clients: ['docker pull'],
    id: 'client-without-tls',
  },
  {
    name: 'plain HTTP to TLS on loopback',
    server: 'good',
    host: 'localhost',
    clients: ['ctr pull'],
    id: 'client-without-tls',
  },
  {
    name: 'a server that wants a certificate',
    server: 'mutual',
    clients: verifying,
    id: 'client-certificate-wanted',
  },
  // podman, skopeo and buildah of that age speak TLS 1.1.
  {
    name: 'a server with TLS 1.1',
    server: 'oldTls',
    clients: ['docker pull', 'docker login', 'ctr pull'],
    id: 'tls-version',
  },
  { name: 'a server with another cipher', server: 'oddCipher', clients: verifying, id: 'tls-refused' },
  {
    name: 'a server that hangs up',
    server: 'hangsUp',
    clients: ['docker pull', 'docker login', 'podman login', 'skopeo inspect', 'ctr pull'],
    id: 'connection-closed',
  },
  { name: 'nobody at the port', server: 'nobody', clients: verifying, id: 'connection-refused' },
  { name: 'a name without an address', server: 'noHost', clients: verifying, id: 'no-such-host' },
  { name: 'an address without a route', server: 'noRoute', clients: verifying, id: 'no-answer' },
  { name: 'a pull without a login', server: 'login', clients: ['docker pull'], id: 'login-missing' },
  { name: 'a push without a login', server: 'login', clients: ['docker push'], id: 'login-missing' },
  {
    name: 'a pull without a login',
    server: 'login',
    clients: ['podman pull', 'buildah pull', 'skopeo inspect', 'skopeo copy', 'ctr pull'],
    id: 'login-refused',
  },
  {
    name: 'a wrong password',
    server: 'login',
    clients: ['docker login', 'podman login', 'buildah login'],
    id: 'wrong-password',
  },
  {
    name: 'a user who may not',
    server: 'denied',
    clients: [...pulling, 'docker push', 'skopeo copy'],
    id: 'denied',
  },
  { name: 'a tag that is not there', server: 'good', clients: pulling, id: 'not-found' },
  { name: 'a repository that is not there', server: 'nameless', clients: pulling, id: 'not-found' },
  // Clients of the podman family try again for longer than a test can wait.
  {
    name: 'too many requests',
    server: 'busy',
    clients: ['docker pull', 'docker push', 'ctr pull'],
    id: 'too-many-requests',
  },
  {
    name: 'a read-only registry',
    server: 'readOnly',
    clients: ['docker pull', 'docker push', 'skopeo inspect', 'skopeo copy', 'ctr pull'],
    id: 'not-supported',
  },
  {
    name: 'a failing registry',
    server: 'failing',
    clients: [...pulling, 'skopeo copy'],
    id: 'server-failed',
  },
  {
    name: 'a web page',
    server: 'webPage',
    clients: ['docker pull', 'docker push', 'podman pull', 'buildah pull', 'skopeo inspect', 'skopeo copy'],
    id: 'answer-is-html',
  },
  {
    name: 'a host name that the registry does not know',
    server: 'otherHost',
    clients: ['docker login', 'podman login', 'skopeo inspect', 'ctr pull'],
    id: 'host-unknown',
  },
];

if (await isInsideEngine(import.meta.filename)) {
  suite('what real clients say of faulty registries is explained', needs('openssl'), () => {
    const resources = new AsyncDisposableStack();
    let folder: string;
    let env: Record<string, string>;
    const ports: Partial<Record<ServerName, number>> = {};
    before(async () => {
      folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-explain-'))).path;
      await chmod(folder, 0o755); // a client of another user looks into it
      env = { XDG_RUNTIME_DIR: folder, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
      await makeCertificates(folder);
      for (const [name, server] of Object.entries(servers)) {
        ports[name as ServerName] = await startServer(folder, server, resources);
      }
      await answerNoName(resources);
      await makeImage({ out: join(folder, 'app.tar'), ref: 'app:1' });
      await makeImage({ out: join(folder, 'layout'), ref: 'app:1' });
      await succeed('docker', ['load', '--input', join(folder, 'app.tar')]);
    });
    after(() => resources.disposeAsync());

    /** Where the clients meet a server, with what they trust in place. */
    const placeOf = async (server: ServerName, host = hostOf(server)): Promise<Place> => {
      const address = `${host}:${ports[server] ?? 1}`;
      const trusted =
        server in servers ? (servers[server as keyof typeof servers] as FaultyServer).trusted : 'none';
      if (trusted !== 'none') {
        await mkdir(certsFolder(address), { recursive: true });
        const pem = await readFile(join(folder, `${trusted ?? 'authority'}.crt`));
        await writeFile(join(certsFolder(address), 'ca.crt'), pem);
      }
      return { folder, address, ref: `${address}/team/app:1` };
    };
    const fail = async (command: readonly string[], options: RunOptions = {}): Promise<string> => {
      const [program = '', ...args] = command;
      const { code, stdout, stderr } = await run(program, args, {
        timeoutMs: 30_000,
        ...options,
        env: { ...env, ...options.env },
      });
      assert.notEqual(code, 0, `${command.join(' ')} should fail\n${stdout}${stderr}`);
      return stdout + stderr;
    };

    for (const { name, server, host, clients: names, id } of rows) {
      for (const clientName of names) {
        const { client, tool, command, options }: Client = clients[clientName];
        test(`${clientName}: ${name}`, needs(tool), async () => {
          const place = await placeOf(server, host);
          if (clientName === 'docker push') await succeed('docker', ['tag', 'app:1', place.ref]);

          const text = await fail(command(place), options);

          const found = explain(text);
          const address = found?.fields['address'] ?? place.address;
          assert.deepEqual([found?.id, found?.client, address], [id, client, place.address], text);
        });
      }
    }

    suite('logins that clients keep', () => {
      const config = (): string => join(process.env['HOME'] ?? '', '.docker', 'config.json');
      const keep = async (content: string): Promise<void> => {
        await mkdir(join(config(), '..'), { recursive: true });
        await writeFile(config(), content);
      };
      afterEach(() => rm(config(), { force: true }));

      test('a password that is no longer right', async () => {
        const { address, ref } = await placeOf('login');
        const auth = Buffer.from(`dev:${passwords.wrong}`).toString('base64');
        await keep(JSON.stringify({ auths: { [address]: { auth } } }));

        const text = await fail(['docker', 'pull', ref]);

        assert.deepEqual(idsOf([text]), ['login-refused'], text);
      });

      test('a helper program that is not there', async () => {
        const { address, ref } = await placeOf('login');
        await keep(JSON.stringify({ credHelpers: { [address]: 'nowhere' } }));

        const texts = [
          await fail(['docker', 'login', ...loginArgs, address], { input: passwords.right }),
          ...(needs('skopeo').skip === undefined
            ? [await fail(['skopeo', 'inspect', `docker://${ref}`])]
            : []),
        ];

        for (const text of texts) {
          const found = explain(text);
          const program = 'docker-credential-nowhere';
          assert.deepEqual(
            [found?.id, found?.fields['program']],
            ['credential-helper-missing', program],
            text,
          );
        }
      });

      test('a file that is broken', async () => {
        const { ref } = await placeOf('login');
        await keep('{"auths":{');

        const text = await fail(['docker', 'pull', ref]);

        const found = explain(text);
        assert.deepEqual([found?.id, found?.fields['file']], ['login-file-broken', config()], text);
      });

      test('a token that podman cannot use', needs('podman'), async () => {
        const { address } = await placeOf('login');
        await keep(JSON.stringify({ auths: { [address]: { auth: 'ZGV2Og==', identitytoken: 'token' } } }));

        const text = await fail(['podman', ...podmanFolders(folder), 'login', ...loginArgs, address]);

        assert.deepEqual(idsOf([text]), ['identity-token-stored'], text);
      });
    });

    suite('mistakes in certs.d', () => {
      let place: Place;
      const file = (name: string): string => join(certsFolder(place.address), name);
      before(async () => {
        place = await placeOf('good');
      });
      const mistakes: readonly {
        readonly name: string;
        readonly make: () => Promise<unknown>;
        readonly entry: string;
        readonly clients: readonly ClientName[];
        readonly id: ExplanationId;
      }[] = [
        {
          name: 'a client certificate without its key',
          make: () => writeFile(file('client.cert'), ''),
          entry: 'client.cert',
          clients: ['docker pull', 'skopeo inspect'],
          id: 'client-key-missing',
        },
        {
          name: 'a client key without its certificate',
          make: () => writeFile(file('client.key'), ''),
          entry: 'client.key',
          clients: ['docker pull', 'skopeo inspect'],
          id: 'client-certificate-missing',
        },
        {
          name: 'a link to nowhere',
          make: () => symlink('/nowhere', file('b.crt')),
          entry: 'b.crt',
          clients: ['docker pull'],
          id: 'certificate-link-broken',
        },
        {
          name: 'a folder',
          make: () => mkdir(file('b.crt')),
          entry: 'b.crt',
          clients: ['docker pull', 'skopeo inspect'],
          id: 'certificate-is-folder',
        },
      ];
      for (const { name, make, entry, clients: names, id } of mistakes) {
        for (const clientName of names) {
          const { tool, command }: Client = clients[clientName];
          test(`${clientName}: ${name}`, needs(tool), async () => {
            await make();

            const text = await fail(command(place));
            await rm(file(entry), { recursive: true });

            assert.deepEqual(idsOf([text]), [id], text);
          });
        }
      }

      test('skopeo: a file of root only', needs('skopeo', 'setpriv'), async () => {
        const authFile = join(folder, 'none.json');
        await writeFile(authFile, '{}');
        await writeFile(file('b.crt'), '', { mode: 0o600 });

        const text = await fail(
          [...asNobody, 'skopeo', 'inspect', '--authfile', authFile, `docker://${place.ref}`],
          { env: { HOME: '/nowhere', XDG_RUNTIME_DIR: '/nowhere' } },
        );
        const found = explain(text);

        assert.deepEqual([found?.id, found?.fields['file']], ['certificate-unreadable', file('b.crt')], text);
        await rm(file('b.crt'));
      });
    });

    suite('proxies', needs('skopeo'), () => {
      test('one that is not there', async () => {
        const { ref } = await placeOf('good');

        const text = await fail(['skopeo', 'inspect', `docker://${ref}`], {
          env: { HTTPS_PROXY: 'http://127.0.0.1:1' },
        });

        assert.deepEqual(explain(text)?.fields['proxy'], '127.0.0.1:1', text);
        assert.deepEqual(idsOf([text]), ['proxy-unreachable'], text);
      });

      test('one that refuses', async () => {
        const { ref } = await placeOf('good');
        const proxy = createServer();
        proxy.on('connect', (_req, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
        const port = await listen(proxy, resources);

        const text = await fail(['skopeo', 'inspect', `docker://${ref}`], {
          env: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
        });

        assert.deepEqual(idsOf([text]), ['proxy-refused'], text);
      });
    });

    suite('the engine itself', () => {
      test('one that is not there, and one of another user', async () => {
        const texts = [
          await fail(['docker', '--host', 'unix:///nowhere.sock', 'ps']),
          await fail([...asNobody, 'docker', 'ps'], { env: { HOME: '/nowhere' } }),
        ];

        assert.deepEqual(idsOf(texts), ['engine-not-running', 'engine-access-denied'], texts.join(''));
      });

      for (const { content, id } of [
        { content: '{"debug":true,}', id: 'daemon-json-invalid' },
        { content: '{"debug":"yes"}', id: 'daemon-json-invalid' },
        { content: '', id: 'daemon-json-invalid' },
        { content: '{"debugg":true}', id: 'daemon-key-unknown' },
        { content: '{"data-root":"/elsewhere"}', id: 'daemon-flag-conflict' },
        { content: '{"insecure-registries":["h/path"]}', id: 'insecure-registry-invalid' },
        { content: '{"insecure-registries":["-h-:1"]}', id: 'insecure-registry-invalid' },
        { content: '{"registry-mirrors":["h:1"]}', id: 'mirror-invalid' },
      ] as const) {
        test(`a reload with ${content === '' ? 'an empty file' : content}`, async () => {
          const file = '/etc/docker/daemon.json';
          const old = (await engine('log')).length;
          await writeFile(file, content);

          await engine('reload');
          const text = await complaint(old);
          await rm(file);

          assert.deepEqual([explain(text)?.id, explain(text)?.client], [id, 'docker'], text);
        });
      }
    });
  });
}

const asNobody = ['setpriv', '--reuid', '65534', '--clear-groups'];

function idsOf(texts: readonly string[]): readonly (ExplanationId | undefined)[] {
  return texts.map((text) => explain(text)?.id);
}

function hostOf(server: ServerName): string {
  if (server === 'noHost') return 'nowhere.berth.test';
  return server === 'noRoute' ? '10.98.7.6' : engineName;
}

/** docker, podman, buildah and skopeo all read it. */
function certsFolder(address: string): string {
  return `/etc/docker/certs.d/${address}`;
}

/** Acts on dockerd: see private-engine.sh. */
function engine(verb: 'log' | 'reload'): Promise<string> {
  return succeed('engine', [verb], { env: { ENGINE_WORK: process.env['ENGINE_WORK'] ?? '' } });
}

/** What the log of the engine holds beyond that length, once dockerd has complained. */
async function complaint(length: number): Promise<string> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(10)) {
    const text = (await engine('log')).slice(length);
    if (text.includes('level=error')) return text;
  }
  throw new Error('dockerd did not complain');
}

function storageFolders(folder: string): readonly string[] {
  return [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'runroot')}`, '--storage-driver=vfs'];
}

function podmanFolders(folder: string): readonly string[] {
  const others = [`--tmpdir=${join(folder, 'tmpdir')}`, '--cgroup-manager=cgroupfs', '--events-backend=file'];
  return [...storageFolders(folder), ...others];
}

/** The registry answers the ping, and everything else with this error. */
function refuse(status: number, code: string, message: string): RequestListener {
  return (req, res) => {
    if (req.url === '/v2/') sendOk(req, res);
    else sendError(req, res, status, code, message);
  };
}

function wantLogin(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.authorization === `Basic ${Buffer.from(`dev:${passwords.right}`).toString('base64')}`) {
    sendOk(req, res);
    return;
  }
  res.setHeader('WWW-Authenticate', 'Basic realm="test"');
  sendError(req, res, 401, 'UNAUTHORIZED', 'authentication required');
}

function sendOk(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  res.end('{}');
}

function sendError(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  req.resume();
  res.writeHead(status, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** What a proxy does that knows the ping alone. */
function sendWebPage(req: IncomingMessage, res: ServerResponse): void {
  if (req.url === '/v2/') {
    sendOk(req, res);
    return;
  }
  req.resume();
  res.writeHead(404, { 'Content-Type': 'text/html' });
  res.end('<html><body>Not Found</body></html>');
}

async function startServer(
  folder: string,
  { leaf, tls, answer = sendOk }: FaultyServer,
  resources: AsyncDisposableStack,
): Promise<number> {
  if (leaf === undefined) return await listen(createServer(answer), resources);
  const [cert, key, ca] = await Promise.all(
    [`${leaf}.crt`, 'leaf.key', 'authority.crt'].map((name) => readFile(join(folder, name))),
  );
  return await listen(createSecureServer({ cert, key, ca, ...tls }, answer), resources);
}

async function listen(server: Server, resources: AsyncDisposableStack): Promise<number> {
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  resources.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** The name server of the private engine: answers every question with NXDOMAIN (RFC 1035 4.1.1). */
async function answerNoName(resources: AsyncDisposableStack): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (question, { address, port }) => {
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8183, 2);
    answer.fill(0, 6, 12);
    answer.writeUInt16BE(1, 4);
    socket.send(answer.subarray(0, endOfQuestion(answer)), port, address);
  });
  socket.bind(53, '127.0.0.1');
  await once(socket, 'listening');
  resources.defer(() => void socket.close());
}

function endOfQuestion(message: Buffer): number {
  const headerLength = 12;
  return message.indexOf(0, headerLength) + 5;
}

/** Authorities and leaves. `openssl ca` is the command that takes dates. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: readonly string[]): Promise<string> => succeed('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const lines = [
    '[ca]\ndefault_ca = settings',
    '[settings]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\npolicy = policy\nunique_subject = no',
    '[policy]\ncommonName = supplied',
    '[req]\ndistinguished_name = name\nprompt = no',
    `[name]\nCN = ${engineName}`,
  ];
  await writeFile(join(folder, 'openssl.cnf'), lines.join('\n'));
  await writeFile(join(folder, 'index.txt'), '');
  for (const [name, extension] of [
    ['authority', 'basicConstraints=critical,CA:true'],
    ['namesake', 'basicConstraints=critical,CA:true'],
    ['narrow', 'nameConstraints=critical,permitted;DNS:other.test'],
  ] as const) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
    await openssl('req', '-x509', ...newKey, ...files, '-subj', '/CN=Test CA', '-addext', extension);
  }
  await openssl(
    'req',
    '-new',
    ...newKey,
    '-keyout',
    'leaf.key',
    '-out',
    'leaf.csr',
    '-config',
    'openssl.cnf',
  );

  for (const [name, leaf] of Object.entries(leaves)) {
    const { names = `DNS:${engineName}`, usage = 'serverAuth', from = -1, to = 30 }: Leaf = leaf;
    const { digest = 'sha256', authority = 'authority' }: Leaf = leaf;
    const extensions = [`extendedKeyUsage=${usage}`, ...(names === '' ? [] : [`subjectAltName=${names}`])];
    await writeFile(join(folder, `${name}.ext`), extensions.join('\n'));
    const signer = ['-config', 'openssl.cnf', '-cert', `${authority}.crt`, '-keyfile', `${authority}.key`];
    const dates = ['-startdate', dateAfter(from), '-enddate', dateAfter(to)];
    const files = ['-in', 'leaf.csr', '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    await openssl('ca', '-batch', '-notext', ...signer, ...dates, '-md', digest, ...files);
  }
}

/** A day as openssl writes it: YYYYMMDDHHMMSSZ. */
function dateAfter(days: number): string {
  const date = new Date(Date.now() + days * 24 * 60 * 60 * 1000);
  return date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
}
