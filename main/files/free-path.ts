import { basename, extname, join } from 'node:path';

/** The path of a name in a directory, or of `name (1)` and so on where that is taken. */
export function freePath(directory: string, name: string, isTaken: (path: string) => boolean): string {
  const last = basename(name.replaceAll('\\', '/'));
  const plain = last === '' || last === '.' || last === '..' ? 'download' : last;
  // Two endings belong together in `app.tar.gz`.
  const ending = /\.tar\.\w+$/.exec(plain)?.[0] ?? extname(plain);
  const stem = plain.slice(0, plain.length - ending.length);
  for (let count = 0; ; count += 1) {
    const path = join(directory, count === 0 ? plain : `${stem} (${count})${ending}`);
    if (!isTaken(path)) return path;
  }
}
