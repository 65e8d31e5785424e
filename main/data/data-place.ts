/**
 * Which directory is the data directory of the app: a private file beside its preferences, outside of every data directory.
 *
 *     {}                       the default of the system
 *     { path }                 this one
 *     { ..., other }           there is another one of ours, complete and not used: the old one after a move
 *     { ..., rest }            what is there was begun to be made, or to be removed: a start removes what is left of it
 *
 * Without a crash `rest` is there while a copy is made or a directory removed, and at no other time. $BERTH_DATA comes before
 * the file, as it does for `berth`.
 */
import { readFile, rename } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { defaultDataDir } from '../../registry/disk/data-dir.ts';
import { undefinedIfAbsent } from '../../registry/disk/directory.ts';
import { writePrivateFile } from '../../registry/disk/private-file.ts';

const path = z.string().min(1).max(4096).refine(isAbsolute);
const schema = z.object({
  path: path.optional(),
  other: path.optional(),
  rest: path.optional(),
});

type Kept = z.output<typeof schema>;

export interface DataPlace {
  /** What the registry uses. */
  path(): string;
  /** What is to be said to the registry: `undefined` where it finds the directory by itself. */
  given(): string | undefined;
  /** The variable that fixes the directory, if one does. */
  readonly fixedBy: 'BERTH_DATA' | undefined;
  other(): string | undefined;
  rest(): string | undefined;
  /** Durable when it resolves; what is `undefined` is there no more. Throws DATA_UNUSABLE and leaves everything as it is. */
  set(change: { readonly [K in keyof Kept]?: Kept[K] | undefined }): Promise<void>;
  /** Where a file that could not be read was put, if there was one. */
  readonly brokenFile: string | undefined;
}

export async function openDataPlace(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<DataPlace> {
  const text = await readFile(file, 'utf8').catch(undefinedIfAbsent);
  let kept = text === undefined ? {} : parse(text);
  let brokenFile: string | undefined;
  if (kept === undefined) {
    brokenFile = `${file}.bak-${new Date().toISOString().replaceAll(':', '-')}`;
    await rename(file, brokenFile);
    kept = {};
  }
  let current: Kept = kept;
  const isFixed = env['BERTH_DATA'] !== undefined && env['BERTH_DATA'] !== '';
  const given = (): string | undefined => (isFixed ? undefined : current.path);
  return {
    path: () => given() ?? defaultDataDir(env),
    given,
    fixedBy: isFixed ? 'BERTH_DATA' : undefined,
    other: () => current.other,
    rest: () => current.rest,
    async set(change) {
      const next = Object.fromEntries(
        Object.entries({ ...current, ...change }).filter(([, value]) => value !== undefined),
      ) as Kept;
      await writePrivateFile(file, `${JSON.stringify(next, undefined, 2)}\n`);
      current = next;
    },
    brokenFile,
  };
}

function parse(text: string): Kept | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
