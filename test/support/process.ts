import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { searchPath } from './tools.ts';

export interface RunOptions {
  /** Standard input; empty when absent. */
  readonly input?: string | Uint8Array;
  /** Added to `childEnv()`, nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** SIGKILL after this many milliseconds; 120,000 when absent. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and answers how it ended, whatever its exit code. Throws when it cannot be started. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { input = '', env = {}, cwd, timeoutMs = 120_000 } = options;
  const child = spawn(command, args, {
    env: childEnv(env),
    cwd,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  child.stdin.on('error', () => undefined); // a program may end without reading its input
  child.stdin.end(input);
  const [end, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { ...end, stdout, stderr };
}

/** Runs a program that must end with 0, and answers its standard output. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(command, args, options);
  assert.equal(code, 0, `${command} ${args.join(' ')}: ended with ${code ?? signal}\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Answers the environment that children of tests get. Little is passed on: SSL_CERT_FILE, proxies and DOCKER_*
 * change what clients trust and where they look.
 */
export function childEnv(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const env: Record<string, string> = { PATH: searchPath, LANG: 'C.UTF-8' };
  for (const name of ['HOME', 'TMPDIR', 'DOCKER_HOST']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...more };
}
