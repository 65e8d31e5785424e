/** The registries that are compared, each started as its users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';
import { writeBundle } from '../../build/bundle.ts';
import type { Target } from './client.ts';

export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly target: Target;
  /** Milliseconds from the start of the process to the first answer. */
  readonly startMs: number;
}

export interface Mode {
  readonly isTls: boolean;
  readonly hasLogin: boolean;
}

const user = 'bench';
const password = 'bench-password';
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
/** The cost that `htpasswd -B` users and Berth have. */
const bcryptCost = 10;

/** What users run: the bundle, in a directory of its own. */
const out = await mkdtemp(join(tmpdir(), 'berth-bench-cli-'));
await writeBundle(out);
process.once('exit', () => rmSync(out, { recursive: true, force: true }));
const cli = join(out, 'berth.mjs');

/** Starts Berth on a fresh data directory. */
export async function startBerth({ isTls, hasLogin }: Mode): Promise<Server> {
  const root = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  if (hasLogin) {
    const add = spawn(
      process.execPath,
      [cli, 'user', 'add', user, '--role', 'admin', '--password-stdin', '--data', root],
      { stdio: ['pipe', 'ignore', 'inherit'] },
    );
    add.stdin.end(password);
    await once(add, 'exit');
  }
  const port = await freePort();
  const args = [
    '--max-semi-space-size=4',
    cli,
    'serve',
    '--data',
    root,
    '--listen',
    `127.0.0.1:${port}`,
    '--auth',
    hasLogin ? 'htpasswd' : 'none',
  ];
  const started = await start(process.execPath, args, {}, port);
  return {
    ...started,
    name: 'berth',
    target: {
      port,
      ca: isTls ? await readFile(join(root, 'berth', 'tls', 'ca.crt'), 'utf8') : undefined,
      authorization: hasLogin ? authorization : undefined,
    },
    [Symbol.asyncDispose]: () => stop(started.child, root),
  };
}

/** Starts Debian's docker-registry with the same certificate and password hash. */
export async function startDistribution(
  { isTls, hasLogin }: Mode,
  berth: { readonly tls: string },
): Promise<Server> {
  const root = await mkdtemp(join(tmpdir(), 'registry-bench-'));
  const port = await freePort();
  await mkdir(join(root, 'data'));
  await writeFile(join(root, 'htpasswd'), `${user}:${hashSync(password, bcryptCost)}\n`);
  await writeFile(
    join(root, 'config.yml'),
    [
      'version: 0.1',
      'log: { level: info }',
      'storage:',
      `  filesystem: { rootdirectory: ${join(root, 'data')} }`,
      '  cache: { blobdescriptor: inmemory }',
      '  delete: { enabled: true }',
      ...(hasLogin ? ['auth:', `  htpasswd: { realm: bench, path: ${join(root, 'htpasswd')} }`] : []),
      'http:',
      `  addr: 127.0.0.1:${port}`,
      '  secret: bench',
      ...(isTls
        ? [`  tls: { certificate: ${join(berth.tls, 'leaf.crt')}, key: ${join(berth.tls, 'leaf.key')} }`]
        : []),
    ].join('\n'),
  );
  const started = await start('docker-registry', ['serve', join(root, 'config.yml')], {}, port);
  return {
    ...started,
    name: 'docker-registry',
    target: {
      port,
      ca: isTls ? await readFile(join(berth.tls, 'ca.crt'), 'utf8') : undefined,
      authorization: hasLogin ? authorization : undefined,
    },
    [Symbol.asyncDispose]: () => stop(started.child, root),
  };
}

/** A directory with a certificate for localhost that both registries can use: Berth makes it. */
export async function makeCertificate(): Promise<{ readonly tls: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'berth-bench-tls-'));
  const child = spawn(process.execPath, [cli, 'cert', 'renew', '--data', root], { stdio: 'ignore' });
  await once(child, 'exit');
  return {
    tls: join(root, 'berth', 'tls'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  port: number,
): Promise<{ readonly child: ChildProcess; readonly pid: number; readonly startMs: number }> {
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
  return { child, pid: child.pid ?? 0, startMs: performance.now() - startedAt };
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

async function stop(child: ChildProcess, root: string): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await rm(root, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
