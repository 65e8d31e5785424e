/** The default browser of the person at this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AppError } from '../spec/errors.ts';

/** What opens a page, by platform. Each takes the address as one argument, and no shell reads it. */
const openers: Readonly<Record<string, readonly [program: string, ...args: string[]] | undefined>> = {
  darwin: ['open'],
  // Unlike `start` of cmd, it takes & and % for what they are.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Some openers stay for as long as the browser does. */
const patienceMs = 3000;

/**
 * Opens an address, and resolves when the system has taken it.
 * @throws AppError BROWSER_FAILED
 */
export async function openBrowser(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, url], { env, stdio: 'ignore', detached: true });
  child.unref();
  const late = AbortSignal.timeout(patienceMs);
  try {
    const [code] = await once(child, 'exit', { signal: late });
    if (code === 0) return;
  } catch (cause) {
    if (late.aborted) return;
    throw new AppError('BROWSER_FAILED', { message: `${program} cannot be started.`, cause });
  }
  throw new AppError('BROWSER_FAILED', { message: `${program} could not open a browser.` });
}
