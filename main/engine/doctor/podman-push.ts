/** Push and pull of the built-in image by podman, with a login of its own that nobody else sees. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../../registry/spec/errors.ts';
import { dockerArchive, probeImage } from '../api/engine-images.ts';
import type { Credentials } from '../api/engine-auth.ts';
import type { Host } from '../host.ts';

/** Throws ENGINE_FAILED with what podman said. Its image is gone afterwards. */
export async function pushByPodman(
  host: Host,
  ref: string,
  credentials: Credentials | undefined,
  signal?: AbortSignal,
): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-podman-'));
  const authFile = join(folder.path, 'auth.json');
  const tar = join(folder.path, 'image.tar');
  const address = ref.slice(0, ref.indexOf('/'));
  const auth = credentials && Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  await writeFile(authFile, JSON.stringify({ auths: auth === undefined ? {} : { [address]: { auth } } }), {
    mode: 0o600,
  });
  await writeFile(tar, dockerArchive(probeImage(process.arch === 'arm64' ? 'arm64' : 'amd64'), ref));
  const podman = async (...args: readonly string[]): Promise<void> => {
    const result = await host.run('podman', args, {
      timeoutMs: 60_000,
      ...(signal === undefined ? {} : { signal }),
    });
    if (result?.code === 0) return;
    throw new AppError('ENGINE_FAILED', { message: result?.stderr.trim() ?? 'podman is not there.' });
  };
  await podman('load', '--quiet', '--input', tar);
  try {
    await podman('push', '--quiet', '--authfile', authFile, ref);
    await podman('rmi', ref);
    await podman('pull', '--quiet', '--authfile', authFile, ref);
  } finally {
    await host.run('podman', ['rmi', '--force', ref]);
  }
}
