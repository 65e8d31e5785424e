import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeImage } from './image.ts';
import { succeed } from './process.ts';
import type { TestRegistry } from './registry.ts';

/** Answers what pushes an image with skopeo, over HTTPS with a login, and resolves when skopeo has ended. */
export async function skopeoOn(
  { address, ca, dataDir }: TestRegistry,
  user: string,
): Promise<(name: string) => Promise<void>> {
  const folder = join(dataDir, 'skopeo');
  await makeImage({ out: folder, ref: 'app:1', layers: 2 });
  await writeFile(join(folder, 'ca.crt'), ca ?? '');
  return async (name) => {
    const flags = ['--dest-cert-dir', folder, '--dest-creds', user];
    await succeed('skopeo', ['copy', ...flags, `oci:${folder}:1`, `docker://${address}/${name}`], {
      env: { HOME: folder },
    });
  };
}
