/** Podman as a program: it has no daemon that could be asked, and its service need not run. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../../registry/spec/errors.ts';
import type { Host } from '../host.ts';
import type { Credentials } from './engine-auth.ts';

/** Runs it to its end, and answers what it wrote. Throws ENGINE_FAILED with what it said, or the reason of the signal. */
export async function runPodman(
  host: Host,
  args: readonly string[],
  {
    timeoutMs = 60_000,
    signal,
  }: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
  const result = await host.run('podman', args, options).catch((error: unknown) => {
    throw signal?.aborted === true ? signal.reason : error;
  });
  if (result?.code === 0) return result.stdout;
  throw new AppError('ENGINE_FAILED', { message: result?.stderr.trim() ?? 'podman is not there.' });
}

/** A file for `--authfile`, in a folder of this user that goes with this value: no login of anybody else is seen. */
export async function openPodmanLogin(
  address: string,
  credentials: Credentials | undefined,
): Promise<AsyncDisposable & { readonly folder: string; readonly authFile: string }> {
  await using cleanup = new AsyncDisposableStack();
  const { path: folder } = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'berth-podman-')));
  const authFile = join(folder, 'auth.json');
  const auth = credentials && Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  const auths = auth === undefined ? {} : { [address]: { auth } };
  await writeFile(authFile, JSON.stringify({ auths }), { mode: 0o600 });
  const owned = cleanup.move();
  return { folder, authFile, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
