import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { succeed } from './process.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Build {
  /** The file that is written last. */
  readonly result: string;
  /** What it is made of. */
  readonly folders: readonly string[];
  readonly script: string;
  readonly args?: readonly string[];
}

/** Runs a build where a source is newer than its result; test files that run side by side run it once. */
export async function buildWhereOlder(build: Build): Promise<void> {
  const lock = join(root, 'out', `${basename(build.script, '.ts')}.lock`);
  await mkdir(join(root, 'out'), { recursive: true });
  for (;;) {
    if (await isBuilt(build)) return;
    const isMine = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (isMine) break;
    const { mtimeMs = Date.now() } = (await stat(lock).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > 120_000) await rm(lock, { recursive: true, force: true });
    await delay(100);
  }
  try {
    if (!(await isBuilt(build)))
      await succeed(process.execPath, [join(root, build.script), ...(build.args ?? [])], { cwd: root });
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function isBuilt({ result, folders }: Build): Promise<boolean> {
  const builtAt = await timeOf(join(root, result));
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true }))
        .filter((name) => /\.(?:tsx?|css|html|svg)$/.test(name))
        .map((name) => join(root, folder, name)),
    ),
  );
  const times = await Promise.all(files.flat().map(timeOf));
  return times.every((time) => time < builtAt);
}

async function timeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
