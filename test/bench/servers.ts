/** The registries that are compared, each started as its users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';
import { succeed } from '../support/process.ts';
import type { Target } from './client.ts';
import { findOthers, type Other } from './others.ts';

export interface Server extends AsyncDisposable {
  readonly title: string;
  readonly isBerth: boolean;
  readonly pid: number;
  readonly target: Target;
  readonly dataDir: string;
  /** Milliseconds from the start of the process to the first answer. */
  readonly startMs: number;
}

export interface Mode {
  readonly isTls: boolean;
  readonly hasLogin: boolean;
}

export const plain: Mode = { isTls: false, hasLogin: false };
export const overTls: Mode = { isTls: true, hasLogin: false };
export const withLogin: Mode = { isTls: false, hasLogin: true };

export interface Place {
  /** The bundle: what users run. */
  readonly cli: string;
  /** A directory with a certificate for localhost and its authority. */
  readonly tls: string;
}

interface StartOptions {
  /** Kept afterwards; a temporary one when absent. */
  readonly dataDir?: string;
  /** Arguments of Node, before the program. */
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const user = 'bench';
const password = 'bench-password';
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
/** The cost that `htpasswd -B` users and Berth have. */
const bcryptCost = 10;

/** Makes what every server of a run needs; Berth makes the certificate. */
export async function preparePlace(root: string, cli: string): Promise<Place> {
  await succeed(process.execPath, [cli, 'cert', 'renew', '--data', join(root, 'certificate')]);
  return { cli, tls: join(root, 'certificate', 'berth', 'tls') };
}

/** Starts Berth and every other registry of this machine, Berth first. */
export async function startAll(
  place: Place,
  mode: Mode,
  isWanted: (other: Other) => boolean = () => true,
): Promise<AsyncDisposable & { readonly servers: readonly [Server, ...Server[]] }> {
  await using started = new AsyncDisposableStack();
  const servers: [Server, ...Server[]] = [started.use(await startBerth(place, mode))];
  for (const other of findOthers()) {
    if (other.program !== undefined && isWanted(other))
      servers.push(started.use(await startOther(place, mode, other)));
  }
  const owned = started.move();
  return { servers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export async function startBerth(
  { cli }: Place,
  { isTls, hasLogin }: Mode,
  { dataDir, node = [], env = {} }: StartOptions = {},
): Promise<Server> {
  const root = dataDir ?? (await mkdtemp(join(tmpdir(), 'berth-bench-')));
  if (hasLogin) {
    const args = ['user', 'add', user, '--role', 'admin', '--password-stdin', '--data', root];
    await succeed(process.execPath, [cli, ...args], { input: password });
  }
  const port = await freePort();
  const auth = hasLogin ? 'htpasswd' : 'none';
  const listen = `127.0.0.1:${port}`;
  const args = [
    '--max-semi-space-size=4',
    ...node,
    cli,
    'serve',
    '--data',
    root,
    '--listen',
    listen,
    '--auth',
    auth,
  ];
  const { child, startMs } = await start(process.execPath, args, {
    env: { MALLOC_ARENA_MAX: '2', ...env },
    port,
  });
  return {
    title: 'Berth',
    isBerth: true,
    pid: child.pid ?? 0,
    startMs,
    dataDir: root,
    target: {
      port,
      ca: isTls ? await readFile(join(root, 'berth', 'tls', 'ca.crt'), 'utf8') : undefined,
      authorization: hasLogin ? authorization : undefined,
    },
    [Symbol.asyncDispose]: () => stop(child, dataDir === undefined ? root : undefined),
  };
}

export async function startOther(
  { tls }: Place,
  { isTls, hasLogin }: Mode,
  { id, title, program = '' }: Other,
  { dataDir }: StartOptions = {},
): Promise<Server> {
  const root = await mkdtemp(join(tmpdir(), 'registry-bench-'));
  const port = await freePort();
  const data = dataDir ?? join(root, 'data');
  await mkdir(data, { recursive: true });
  await writeFile(join(root, 'htpasswd'), `${user}:${hashSync(password, bcryptCost)}\n`);
  const files = {
    data,
    certificate: isTls ? join(tls, 'leaf.crt') : undefined,
    key: join(tls, 'leaf.key'),
    htpasswd: hasLogin ? join(root, 'htpasswd') : undefined,
  };
  const config = id === 'zot' ? zotConfig(port, files) : distributionConfig(port, files);
  const file = join(root, id === 'zot' ? 'config.json' : 'config.yml');
  await writeFile(file, config);
  // Without it distribution v3 looks for a collector of traces.
  const env = { OTEL_TRACES_EXPORTER: 'none' };
  const { child, startMs } = await start(program, ['serve', file], { env, port });
  return {
    title,
    isBerth: false,
    pid: child.pid ?? 0,
    startMs,
    dataDir: data,
    target: {
      port,
      ca: isTls ? await readFile(join(tls, 'ca.crt'), 'utf8') : undefined,
      authorization: hasLogin ? authorization : undefined,
    },
    [Symbol.asyncDispose]: () => stop(child, root),
  };
}

interface Files {
  readonly data: string;
  readonly certificate: string | undefined;
  readonly key: string;
  readonly htpasswd: string | undefined;
}

function distributionConfig(port: number, { data, certificate, key, htpasswd }: Files): string {
  return [
    'version: 0.1',
    'log: { level: info }',
    'storage:',
    `  filesystem: { rootdirectory: ${data} }`,
    '  cache: { blobdescriptor: inmemory }',
    '  delete: { enabled: true }',
    ...(htpasswd === undefined ? [] : ['auth:', `  htpasswd: { realm: bench, path: ${htpasswd} }`]),
    'http:',
    `  addr: 127.0.0.1:${port}`,
    '  secret: bench',
    ...(certificate === undefined ? [] : [`  tls: { certificate: ${certificate}, key: ${key} }`]),
  ].join('\n');
}

/** https://zotregistry.dev/v2.1.12/admin-guide/admin-configuration; `commit` has it write to the disk as the others do. */
function zotConfig(port: number, { data, certificate, key, htpasswd }: Files): string {
  return JSON.stringify({
    distSpecVersion: '1.1.0',
    storage: { rootDirectory: data, commit: true, gc: false },
    http: {
      address: '127.0.0.1',
      port: String(port),
      ...(certificate === undefined ? {} : { tls: { cert: certificate, key } }),
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { path: htpasswd } } }),
    },
    log: { level: 'info' },
  });
}

async function start(
  command: string,
  args: readonly string[],
  { env, port }: { readonly env: Readonly<Record<string, string>>; readonly port: number },
): Promise<{ readonly child: ChildProcess; readonly startMs: number }> {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    stdio: 'ignore',
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${command} ended before it answered`);
  });
  await Promise.race([failed, answers(port)]);
  failed.catch(() => undefined);
  return { child, startMs: performance.now() - startedAt };
}

/** Waits for any HTTP answer. A server that speaks TLS only answers plain HTTP with an error, which is as good. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await delay(2);
  }
}

async function stop(child: ChildProcess, root: string | undefined): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  if (root !== undefined) await rm(root, { recursive: true, force: true });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
