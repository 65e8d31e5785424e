/** Push and pull of the built-in image by podman, with a login of its own that nobody else sees. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerArchive, probeImage } from '../api/engine-images.ts';
import type { Credentials } from '../api/engine-auth.ts';
import { openPodmanLogin, runPodman } from '../api/podman-program.ts';
import type { Host } from '../host.ts';

/** Throws ENGINE_FAILED with what podman said. Its image is gone afterwards. */
export async function pushByPodman(
  host: Host,
  { ref, run }: { readonly ref: string; readonly run: string },
  credentials: Credentials | undefined,
  signal?: AbortSignal,
): Promise<void> {
  await using login = await openPodmanLogin(ref.slice(0, ref.indexOf('/')), credentials);
  const { authFile } = login;
  const tar = join(login.folder, 'image.tar');
  await writeFile(tar, dockerArchive(probeImage(process.arch === 'arm64' ? 'arm64' : 'amd64', run), ref));
  const podman = async (...args: readonly string[]): Promise<void> => {
    await runPodman(host, args, { signal });
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
