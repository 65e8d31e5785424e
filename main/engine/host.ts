/** The computer whose engines are looked at and changed. Everything outside this process goes through it. */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface RunOptions {
  /** Standard input; empty when absent. Secrets go here, never into the arguments. */
  readonly input?: string | Uint8Array;
  /** Replaces single variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program shares our terminal, so that it can ask a question (sudo). Its output is then not collected. */
  readonly interactive?: boolean;
  /** The program is killed after this many milliseconds; 30,000 when absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Exit code; `undefined` when a signal or the timeout ended the program. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Host {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The user id of this process; 0 is root. `undefined` on Windows. */
  readonly uid: number | undefined;
  /** Answers where a path of the system (`/etc/docker`) lies: itself, or below the folder of a test. */
  systemPath(path: string): string;
  /** The full path of a program on PATH, or of one that is named by its path; `undefined` if there is none. */
  find(program: string): Promise<string | undefined>;
  /** Runs a program to its end, whatever its exit code; `undefined` if there is no such program. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult | undefined>;
}

/** This computer. `env` is what the person's shell has: HOME, PATH, DOCKER_HOST and their like. */
export function thisHost(env: Readonly<Record<string, string | undefined>>): Host {
  const host: Host = {
    platform: process.platform,
    env,
    home: env['HOME'] ?? homedir(),
    uid: process.getuid?.(),
    systemPath: (path) => path,
    find: (program) => findProgram(program, env),
    async run(program, args, options) {
      const path = await host.find(program);
      return path === undefined ? undefined : await runProgram(path, args, env, options);
    },
  };
  return host;
}

async function findProgram(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (isAbsolute(program)) return (await isProgram(program)) ? program : undefined;
  const names = process.platform === 'win32' ? [`${program}.exe`, `${program}.cmd`, program] : [program];
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => folder !== '');
  // Daemons and tools of the administrator live in folders that are not on every PATH.
  if (process.platform !== 'win32') folders.push('/usr/local/sbin', '/usr/sbin', '/sbin');
  for (const folder of folders) {
    for (const name of names) {
      const path = join(folder, name);
      if (await isProgram(path)) return path;
    }
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function runProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  options: RunOptions = {},
): Promise<RunResult> {
  const { input = '', interactive = false, timeoutMs = 30_000, signal } = options;
  const child = spawn(path, args, {
    env: { ...env, ...options.env },
    stdio: interactive ? 'inherit' : 'pipe',
    windowsHide: true,
    ...(signal === undefined ? {} : { signal }),
  });
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? undefined));
  });
  child.stdin?.on('error', () => undefined); // a program may end without reading its input
  child.stdin?.end(input);
  // Not spawn's own timeout: its timer outlives a program that could not be started.
  const overdue = interactive ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    const [code, stdout, stderr] = await Promise.all([
      ended,
      child.stdout === null ? '' : text(child.stdout),
      child.stderr === null ? '' : text(child.stderr),
    ]);
    return { code, stdout, stderr };
  } finally {
    clearTimeout(overdue);
  }
}
