/**
 * Makes dist/image, from which `docker build dist/image` makes the container image. Nothing is downloaded: the Node
 * that runs this goes into the image with the libraries that it is linked to, as they are on this system.
 *
 *     Dockerfile
 *     data/                              empty: the mount point of the data directory
 *     root/bin/node, root/lib*           Node and its libraries
 *     root/opt/berth/                    the npm package of build/bundle.ts
 *     root/bin/berth                     link to its program, for `docker exec`
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeBundle } from './bundle.ts';

const run = promisify(execFile);

/** Writes the folder, which it empties before. Needs Linux with glibc, and ldd. */
export async function writeImage(out: string): Promise<void> {
  const root = join(out, 'root');
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'data'), { recursive: true });
  await copyFile(join(import.meta.dirname, 'Dockerfile'), join(out, 'Dockerfile'));

  await writeBundle(join(root, 'opt/berth'));
  await useShebang(join(root, 'opt/berth/berth.mjs'), '#!/bin/node');
  await mkdir(join(root, 'bin'));
  await symlink('/opt/berth/berth.mjs', join(root, 'bin/berth'));
  await copyFile(process.execPath, join(root, 'bin/node'));
  await stripSymbols(join(root, 'bin/node'));
  for (const library of await librariesOf(process.execPath)) {
    await mkdir(dirname(join(root, library)), { recursive: true });
    await copyFile(library, join(root, library));
  }
}

async function useShebang(path: string, line: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/^#!.*/, line));
}

/** Takes the symbols out, 18 MB of Node 24, where the system has binutils. */
async function stripSymbols(path: string): Promise<void> {
  try {
    await run('strip', [path]);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    process.stderr.write('There is no strip (package binutils) here: the image will be larger.\n');
  }
}

/** The shared libraries and the loader of a program, by the paths under which they are looked for. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]);
  return stdout.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(import.meta.dirname, '..', 'dist/image');
  await writeImage(out);
  process.stdout.write(`${out} written. Next: docker build --tag berth ${out}\n`);
}
