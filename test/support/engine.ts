import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import { needs, searchPath } from './tools.ts';

/** What private-engine.sh and a docker test run. */
const tools = ['root', 'dockerd', 'docker', 'containerd', 'runc', 'ip', 'unshare', 'setpriv', 'busybox'];

/**
 * Moves a test file into a Docker engine of its own: answers true in a process that runs inside of
 * private-engine.sh. Outside it runs the file once more in there, with the same standard output, so that the
 * tests report to the same runner, waits for its end, takes over its exit code and answers false.
 *
 *     if (await isInsideEngine(import.meta.filename)) { test(...) }
 */
export async function isInsideEngine(file: string): Promise<boolean> {
  if (process.env['ENGINE_WORK'] !== undefined) return true;
  const options = needs(...tools);
  if (options.skip !== undefined) {
    test('docker with a private engine', options);
    return false;
  }

  const script = join(import.meta.dirname, 'private-engine.sh');
  const child = spawn('bash', [script, process.execPath, ...process.execArgv, file], {
    env: { ...process.env, PATH: searchPath },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'close');
  process.exitCode = typeof code === 'number' ? code : 1;
  return false;
}
