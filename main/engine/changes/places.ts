/** Where the bytes of a change are: read, written and removed in one way, whatever keeps them. */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  readlink,
  realpath,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { replaceFile, syncDirectory, systemCode } from '../../../registry/disk/private-file.ts';
import { AppError, assertNever } from '../../../registry/spec/errors.ts';
import { readEngineFile, removeEngineFile, writeEngineFile } from '../api/engine-files.ts';
import type { Place } from '../change.ts';
import type { Host } from '../host.ts';

export interface OpenPlace {
  /** What is there; `undefined` when nothing is. Throws CHANGE_REFUSED for what cannot be edited safely. */
  read(): Promise<Buffer | undefined>;
  /** Folders that have to be made first, outermost first. */
  missingFolders(): Promise<readonly string[]>;
  /** Takes away what an interrupted write has left. */
  tidy(): Promise<void>;
  /** Puts the bytes in place, whole and durably. */
  write(bytes: Uint8Array): Promise<void>;
  /** Takes away what is there, and those of the folders that are empty then. */
  remove(folders: readonly string[]): Promise<void>;
}

/** Larger files than this are not configuration. */
const maxBytes = 1024 * 1024;

/** Opens the place of a change on this host. Touches nothing. */
export function openPlace(host: Host, place: Place): OpenPlace {
  switch (place.kind) {
    case 'file':
      return filePlace(place.path, place.mode);
    case 'engine-file': {
      const { endpoint, folder, path, mode } = place;
      return {
        read: async () => {
          const bytes = (await readEngineFile(endpoint, { folder, path }))?.bytes;
          // Where an engine cannot remove a file it is emptied, and an empty certificate is none.
          return bytes === undefined || bytes.length === 0 ? undefined : Buffer.from(bytes);
        },
        missingFolders: async () => [],
        tidy: async () => undefined,
        write: (bytes) => writeEngineFile(endpoint, { folder, path, mode }, bytes),
        remove: async () => void (await removeEngineFile(endpoint, { folder, path })),
      };
    }
    case 'store':
      return storePlace(host, place);
    default:
      return assertNever(place);
  }
}

function filePlace(path: string, mode: number): OpenPlace {
  const tidy = async (): Promise<void> => {
    const target = await realpath(path).catch(() => path);
    await rm(temporary(target), { force: true });
  };
  return {
    tidy,
    read: () => readHostFile(path),
    missingFolders: () => missingFolders(dirname(path)),
    async write(bytes) {
      await makeFolders(await missingFolders(dirname(path)), mode);
      await tidy();
      await replaceFile(path, bytes, { temp: temporary, mode: (old) => old ?? mode });
    },
    async remove(folders) {
      await tidy();
      await unlink(path).catch(ignoreAbsent);
      await syncDirectory(dirname(path)).catch(ignoreAbsent);
      for (const folder of folders.toReversed()) await removeIfEmpty(folder);
    },
  };
}

/** One fixed name, so that what a crash leaves is found and replaced. Engines read only .crt, .cert, .key and .toml. */
function temporary(target: string): string {
  return join(dirname(target), `.${basename(target)}.berth-unfinished`);
}

async function readHostFile(path: string): Promise<Buffer | undefined> {
  const found = await lstat(path).catch(ignoreAbsent);
  if (found === undefined) return undefined;
  const target = found.isSymbolicLink() ? await stat(path).catch(ignoreAbsent) : found;
  if (target === undefined) {
    throw refused(
      path,
      `is a link to "${await readlink(path)}", which is not there`,
      'Remove the link, or put its file back.',
    );
  }
  if (!target.isFile()) throw refused(path, 'is not a file', 'Look what is there.');
  if (target.size > maxBytes) throw refused(path, 'is larger than 1 MiB', 'Look what is there.');
  try {
    return await readFile(path);
  } catch (error) {
    throw refused(
      path,
      `cannot be read: ${systemCode(error) ?? String(error)}`,
      'Run the command with sudo.',
    );
  }
}

function refused(path: string, why: string, hint: string): AppError {
  return new AppError('CHANGE_REFUSED', { message: `"${path}" ${why}.`, hint });
}

async function missingFolders(folder: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let each = folder; (await stat(each).catch(ignoreAbsent)) === undefined; each = dirname(each)) {
    missing.unshift(each);
  }
  return missing;
}

/** Private files lie in private folders; what engines of all users read has to be open. */
async function makeFolders(folders: readonly string[], fileMode: number): Promise<void> {
  for (const folder of folders) {
    const parent = await stat(dirname(folder));
    await mkdir(folder);
    // Podman ignores a folder that it may not enter, without a word: the umask must not decide.
    await chmod(folder, fileMode === 0o600 ? 0o700 : 0o755);
    if (process.getuid?.() === 0) await chown(folder, parent.uid, parent.gid);
    await syncDirectory(dirname(folder));
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
    await syncDirectory(dirname(folder));
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
  }
}

function ignoreAbsent(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
  throw error;
}

function storePlace(host: Host, { label, read, add, remove }: Extract<Place, { kind: 'store' }>): OpenPlace {
  const run = async ([program = '', ...args]: readonly string[], input: Uint8Array = Buffer.alloc(0)) => {
    const result = await host.run(program, args, { input, timeoutMs: 120_000 });
    if (result === undefined) {
      throw new AppError('CHANGE_REFUSED', {
        message: `Changing ${label} needs the program ${program}, which is not there.`,
        hint: `Install ${program}, then try again.`,
      });
    }
    return result;
  };
  const mustRun = async (command: readonly string[], input?: Uint8Array): Promise<void> => {
    const { code, stderr } = await run(command, input);
    if (code === 0) return;
    throw new AppError('CHANGE_FAILED', {
      message: `${command.join(' ')} ended with ${code ?? 'a signal'}: ${stderr.trim()}`,
    });
  };
  return {
    async read() {
      const { code, stdout } = await run(read);
      return code === 0 ? certificateIn(stdout) : undefined;
    },
    missingFolders: async () => [],
    tidy: async () => undefined,
    write: (bytes) => mustRun(add, bytes),
    remove: () => mustRun(remove),
  };
}

/** The PEM in the output of a store's program, in the one spelling that Node gives it: stores wrap lines as they like. */
function certificateIn(text: string): Buffer | undefined {
  const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text) ?? [];
  return pem === undefined ? undefined : Buffer.from(new X509Certificate(pem).toString());
}
