import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cli } from './cli.ts';
import { request } from './http.ts';
import { childEnv, succeed } from './process.ts';

export interface TestUser {
  readonly role: 'admin' | 'push' | 'pull';
  readonly password: string;
}

export interface RegistryOptions {
  /** The program; the command line under test when absent. */
  readonly program?: string;
  /** Who may enter; `none` when absent. */
  readonly auth?: 'htpasswd' | 'none';
  /** Users to add before the start. */
  readonly users?: Readonly<Record<string, TestUser>>;
  /** HOST:PORT; a free port of 127.0.0.1 when absent. */
  readonly listen?: string;
  /** Kept afterwards; a temporary one, removed at the end, when absent. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments of `berth serve`. */
  readonly args?: readonly string[];
  /** What starts the program: its words, then those of the program. It must become the program. */
  readonly starter?: readonly string[];
  /** How long the start may take; 30,000 when absent. */
  readonly startTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestRegistry extends AsyncDisposable {
  /** https://127.0.0.1:PORT, or the host that was asked for. */
  readonly url: string;
  /** The same over plain HTTP. */
  readonly plainUrl: string;
  /** HOST:PORT, as clients write it in image names. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** The CA certificate as PEM; undefined where the configuration brings its own certificate. */
  readonly ca: string | undefined;
  readonly caFile: string;
  readonly pid: number;
  /** Standard output and standard error so far. */
  log(): string;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** SIGTERM; SIGKILL after 20 seconds. Fine when it has ended already. */
  stop(): Promise<Exit>;
}

/**
 * Starts the real command line in a process of its own with a clean environment, and answers when /readyz says
 * 200. Throws with the log when it ends or does not get ready in time. Disposing stops it.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { auth = 'none', users = {}, listen = '127.0.0.1:0', args = [], startTimeoutMs = 30_000 } = options;
  const { program = cli, starter = [] } = options;
  await using cleanup = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'berth-data-')));
  if (options.dataDir === undefined) cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const env = { HOME: dataDir, ...options.env };
  for (const [name, user] of Object.entries(users)) await addUser(dataDir, name, user, env);

  const [command, ...words] = [...starter, process.execPath, program, 'serve'];
  const child = spawn(command, [...words, '--data', dataDir, '--listen', listen, '--auth', auth, ...args], {
    env: childEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = collectLog(child);
  const kill = endOf(child);
  cleanup.defer(() => stop(kill).then(() => undefined));

  const signal = AbortSignal.timeout(startTimeoutMs);
  const port = await readiness(child, log, listen, signal);
  const host = reachableHost(listen);
  const caFile = join(dataDir, 'berth', 'tls', 'ca.crt');
  const ca = await readFile(caFile, 'utf8').catch(() => undefined);
  const owned = cleanup.move();
  return {
    url: `https://${host}:${port}`,
    plainUrl: `http://${host}:${port}`,
    address: `${host}:${port}`,
    host,
    port,
    dataDir,
    ca,
    caFile,
    pid: child.pid ?? 0,
    log,
    kill,
    stop: () => stop(kill),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Adds a user to the data directory by `berth user add`. */
export async function addUser(
  dataDir: string,
  name: string,
  user: TestUser,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const args = ['user', 'add', name, '--role', user.role, '--password-stdin', '--data', dataDir];
  await succeed(process.execPath, [cli, ...args], { input: user.password, env });
}

/** Runs a verb of the command line against a data directory, and answers its standard output. */
export function berth(dataDir: string, ...args: readonly string[]): Promise<string> {
  return succeed(process.execPath, [cli, ...args, '--data', dataDir], { env: { HOME: dataDir } });
}

/** A wildcard address is asked through loopback. */
function reachableHost(listen: string): string {
  const host = listen.slice(0, listen.lastIndexOf(':'));
  return host === '' || host === '0.0.0.0' || host === '[::]' || host === '*' ? '127.0.0.1' : host;
}

/** In characters; tests write less. */
const longestLog = 2 ** 26;

function collectLog(child: ChildProcess): () => string {
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      log += part;
      // A bench that writes for minutes would reach the longest string.
      if (log.length > 2 * longestLog) log = log.slice(-longestLog);
    });
  }
  return () => log;
}

/** Waits for the line that names the port, then for /readyz. */
async function readiness(
  child: ChildProcess,
  log: () => string,
  listen: string,
  signal: AbortSignal,
): Promise<number> {
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null || signal.aborted;
  for (; !isOver(); await delay(20)) {
    const port = Number(/running at https:\/\/\S*:(\d+)/.exec(log())?.[1]);
    if (!(port > 0)) continue;
    const answer = await request(`http://${reachableHost(listen)}:${port}`, { path: '/readyz' }).catch(
      () => undefined,
    );
    if (answer?.status === 200) return port;
  }
  throw new Error(
    `the registry did not get ready (${child.exitCode ?? child.signalCode ?? 'timeout'}):\n${log()}`,
  );
}

function endOf(child: ChildProcess): (signal: NodeJS.Signals) => Promise<Exit> {
  const ended = once(child, 'close').then(([code, signal]): Exit => ({ code, signal }));
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  void ended.finally(() => process.off('exit', killAtExit));
  return (signal) => {
    child.kill(signal);
    return ended;
  };
}

async function stop(kill: (signal: NodeJS.Signals) => Promise<Exit>): Promise<Exit> {
  const overdue = setTimeout(() => void kill('SIGKILL'), 20_000);
  try {
    return await kill('SIGTERM');
  } finally {
    clearTimeout(overdue);
  }
}
