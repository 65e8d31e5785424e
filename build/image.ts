/**
 * Makes dist/image, from which `docker build dist/image` makes the container image. Nothing is downloaded: the single
 * executable goes into the image with the libraries that it is linked to, as they are on this system.
 *
 *     Dockerfile
 *     data/                              empty: the mount point of the data directory
 *     root/bin/berth, root/lib*          the executable and its libraries
 *     root/usr/share/doc/berth/          our licence, and those of the packages inside
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeExecutable } from './executable.ts';

/** Writes the folder, which it empties before. Needs Linux with glibc, and ldd. */
export async function writeImage(out: string): Promise<void> {
  const root = join(out, 'root');
  const documents = join(root, 'usr/share/doc/berth');
  const program = join(root, 'bin/berth');
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'data'), { recursive: true });
  await copyFile(join(import.meta.dirname, 'Dockerfile'), join(out, 'Dockerfile'));

  await mkdir(dirname(program), { recursive: true });
  await rename(await writeExecutable(documents), program);
  for (const library of await librariesOf(program)) {
    await mkdir(dirname(join(root, library)), { recursive: true });
    await copyFile(library, join(root, library));
  }
}

/** The shared libraries and the loader of a program, by the paths under which they are looked for. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]);
  return stdout.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(import.meta.dirname, '..', 'dist/image');
  await writeImage(out);
  process.stdout.write(`${out} written. Next: docker build --tag berth ${out}\n`);
}
