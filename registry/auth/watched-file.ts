/**
 * A file that is read again when it changed. It is looked at when it is used, at most every 250 ms: that works on
 * every file system, through bind mounts and for files that are swapped by rename or link, where watching does not.
 *
 *   stat differs from the one taken before the last read  -> read again
 *   last read within 2 s of the file's own time           -> read again, as a later write may carry the same time
 *   unreadable, gone, broken                              -> an error instead of a value, until it is mended
 */
import { open, stat } from 'node:fs/promises';
import { AppError, isAppError } from '../spec/errors.ts';
import { refuseLooseMode, systemCode } from '../disk/private-file.ts';

/** What the file says at the moment, or why it cannot be used. */
export type Loaded<T> = { readonly value: T } | { readonly error: AppError };

export interface WatchedFile<T> {
  /** The present content. Never throws: a broken file is `{ error }`. */
  current(): Promise<Loaded<T>>;
  /** Looks at the file at once. */
  reload(): Promise<Loaded<T>>;
}

export interface WatchOptions<T> {
  readonly path: string;
  /** Throws AppError if the bytes cannot be used. */
  readonly parse: (bytes: Uint8Array, path: string) => T;
  /** The value of a file that was never there. Without it, or if the file vanishes later, that is an error. */
  readonly absent?: T;
  /** Refuse modes that let others read it. */
  readonly isPrivate: boolean;
  /** Called with the first content and whenever the file changed. */
  readonly onLoad: (loaded: Loaded<T>) => void;
  readonly checkEveryMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** File times may be as coarse as 2 s (FAT). */
const coarsestTimeMs = 2000;

/** Reads the file and watches it from then on. Throws what the first read met: USERS_INVALID, DATA_UNUSABLE. */
export async function watchFile<T>(options: WatchOptions<T>): Promise<WatchedFile<T>> {
  const { checkEveryMs: everyMs = 250, now = Date.now } = options;
  let wasThere = false;
  let mustRead = true;
  let looking: Promise<Loaded<T>> | undefined;
  let checkedAt = performance.now();
  let stamp = await stampOf(options.path);
  let loaded = await load();
  options.onLoad(loaded);
  if ('error' in loaded) throw loaded.error;
  return {
    async current() {
      return performance.now() - checkedAt < everyMs ? loaded : await look();
    },
    async reload() {
      // A look that began earlier may have missed the change.
      await looking;
      return await look();
    },
  };

  function look(): Promise<Loaded<T>> {
    looking ??= check().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function check(): Promise<Loaded<T>> {
    const startedAt = performance.now();
    const seen = await stampOf(options.path);
    if (mustRead || seen !== stamp) {
      loaded = await load();
      if (seen !== stamp) options.onLoad(loaded);
      stamp = seen;
    }
    checkedAt = startedAt;
    return loaded;
  }

  async function load(): Promise<Loaded<T>> {
    try {
      const info = await stat(options.path);
      // A pipe would block the read for ever.
      if (!info.isFile()) throw unreadable('it is not a file');
      if (options.isPrivate) refuseLooseMode(options.path, info.mode);
      mustRead = now() - Math.max(info.mtimeMs, info.ctimeMs) < coarsestTimeMs;
      await using file = await open(options.path, 'r');
      const value = options.parse(await file.readFile(), options.path);
      wasThere = true;
      return { value };
    } catch (error) {
      if (isAppError(error)) return { error };
      const code = systemCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' && !wasThere && options.absent !== undefined) return { value: options.absent };
      return { error: unreadable(code === 'ENOENT' ? 'it does not exist' : code) };
    }
  }

  function unreadable(reason: string): AppError {
    return new AppError('USERS_INVALID', {
      message: `Cannot read "${options.path}": ${reason}.`,
      hint: 'Check the path, the owner and the mode of the file.',
      detail: { file: options.path },
    });
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const info = await stat(path, { bigint: true });
    return [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' ');
  } catch (error) {
    return systemCode(error) ?? 'unknown';
  }
}
