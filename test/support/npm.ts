import { run, type RunResult } from './process.ts';

/** How npm reaches its registry from here. */
const passedOn = /^(?:npm_config_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|(?:https?|no|all)_proxy)$/i;

/** The variables of that, of those of this process. */
export function npmSettings(): Record<string, string> {
  const settings = Object.entries(process.env).filter(([name]) => passedOn.test(name));
  return Object.fromEntries(settings.map(([name, value = '']) => [name, value]));
}

/** Runs npm in a folder, without scripts of packages; what it has in its cache it does not fetch again. */
export async function runNpm(cwd: string, verb: string, args: readonly string[] = []): Promise<RunResult> {
  const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  return await run('npm', [verb, ...quiet, ...args], {
    cwd,
    env: npmSettings(),
    timeoutMs: 600_000,
  });
}
