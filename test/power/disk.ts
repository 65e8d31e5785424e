/**
 * A file system whose power can be cut: an image file that is mounted, and copied at once while it is (a clone of its
 * blocks, by a file system that shares them). The copy has what the file system had written out by then, in the order in
 * which it did, as a disk has that loses its power; what was still in memory is not there.
 */
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { succeed } from '../support/process.ts';

export const fileSystems = ['ext4', 'xfs', 'btrfs'] as const;
export type FileSystem = (typeof fileSystems)[number];

/** A mounted directory; disposing unmounts it and removes the image. */
export interface Disk extends AsyncDisposable {
  readonly path: string;
}

export interface CuttableDisk extends Disk {
  /** The disk as a power cut now would leave it, mounted anew. */
  cut(): Promise<Disk>;
}

/**
 * Without these, ext4 would write everything out by itself every five seconds, btrfs every thirty, and xfs refuse a disk that it
 * has seen; btrfs takes one from Linux 6.7 on.
 */
const options: Readonly<Record<FileSystem, string>> = {
  ext4: 'loop,commit=300',
  xfs: 'loop,nouuid',
  btrfs: 'loop,commit=300',
};

/** Needs root, xfsprogs, and what makes the file system. */
export async function openDisk(fileSystem: FileSystem): Promise<CuttableDisk> {
  await using cleanup = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'berth-power-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const shelf = await mount(home, 'shelf', { fileSystem: 'xfs', megabytes: 4096 });
  cleanup.use(shelf);
  const disk = await mount(shelf.path, 'disk', { fileSystem, megabytes: 400 });
  cleanup.use(disk);
  const owned = cleanup.move();
  let cuts = 0;
  return {
    path: disk.path,
    async cut() {
      const name = `cut${++cuts}`;
      await succeed('cp', [
        '--reflink=always',
        join(shelf.path, 'disk.img'),
        join(shelf.path, `${name}.img`),
      ]);
      return await mount(shelf.path, name, { fileSystem });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Mounts FOLDER/NAME.img at FOLDER/NAME; with a size it is made before. */
async function mount(
  folder: string,
  name: string,
  { fileSystem, megabytes }: { readonly fileSystem: FileSystem; readonly megabytes?: number },
): Promise<Disk> {
  const [image, path] = [join(folder, `${name}.img`), join(folder, name)];
  if (megabytes !== undefined) {
    await writeFile(image, '', { flag: 'wx' });
    await truncate(image, megabytes * 1024 * 1024);
    await succeed(`mkfs.${fileSystem}`, ['-q', image]);
  }
  await mkdir(path);
  await succeed('mount', ['-t', fileSystem, '-o', options[fileSystem], image, path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await succeed('umount', [path]);
      await rm(path, { recursive: true });
      await rm(image);
    },
  };
}
