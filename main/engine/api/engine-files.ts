/**
 * Files on the engine's side, reached through its API alone: its kernel may be that of a virtual machine. Nothing runs
 * there; whoever may talk to the engine may do it, without other rights.
 *
 *     POST   /images/create?fromSrc=-          an image of an empty folder
 *     POST   /containers/create                never started; the folder is bound to /x
 *     HEAD   /containers/ID/archive?path=      is there a file, a directory, a link?
 *     GET    /containers/ID/archive?path=      a tar archive with the file, or the directory with all below
 *     PUT    /containers/ID/archive?path=/x    unpacks a tar archive there
 *     DELETE /containers/ID  /images/ID        always, whatever happened
 *
 * Measured with dockerd 20.10 and 28.5. Engines that do not show their folders so (Docker Desktop may refuse paths that
 * are not shared) refuse the container.
 */
import { randomUUID } from 'node:crypto';
import { readTar, type TarEntry, type TarInput, writeTar } from '../../../registry/archive/tar.ts';
import { AppError, isAppError } from '../../../registry/spec/errors.ts';
import type { Endpoint } from '../engine.ts';
import { fieldsOf, listOf, parseFields, textOf } from './fields.ts';
import { readProgress } from './progress.ts';
import {
  askEngine,
  engineJson,
  engineMessage,
  engineRefusal,
  requestEngine,
  withQuery,
  type EngineAnswer,
  type WaitOptions,
} from './request.ts';

/** A file or folder below an absolute folder of the engine's side. */
export interface EnginePath {
  readonly folder: string;
  /** Below `folder`: names with `/` between them, none of them `.` or `..`. */
  readonly path: string;
}

export interface EngineFile {
  readonly bytes: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

export interface EngineFolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
}

/** `emptied`: this engine keeps the file, which has no bytes any more; a certificate without any is none. */
export type Removal = 'removed' | 'emptied' | 'absent';

/** Marks what is made here, and when by the clock of this computer. */
const purposeLabel = 'io.berth';
const purpose = 'engine-files';
const startedLabel = 'io.berth.started';

/** Longer than any call takes: what is older was left behind by a process that was killed. */
const leftoverAgeMs = 10 * 60_000;

/** Where the folder is bound in the container. */
const mountPoint = '/x';

/**
 * Answers the file; `undefined` when it, or a folder above it, is not there. Throws ENGINE_FAILED, and CHANGE_REFUSED
 * when there is a directory or a link.
 */
export async function readEngineFile(
  endpoint: Endpoint,
  place: EnginePath,
  { signal }: WaitOptions = {},
): Promise<EngineFile | undefined> {
  return withBoundFolder(endpoint, place, { signal, access: 'read' }, async (bound) => {
    const found = await bound.walk();
    if (found.kind === 'absent') return undefined;
    if (found.kind !== 'file') throw refused(place, `is no file but a ${found.kind}`);
    return bound.readFile();
  });
}

/**
 * Answers what is directly in a folder, sorted by name; `undefined` when it is not there. The engine sends all that is
 * below: 16 MiB at most. Throws as reading does.
 */
export async function listEngineFolder(
  endpoint: Endpoint,
  place: EnginePath,
  { signal }: WaitOptions = {},
): Promise<readonly EngineFolderEntry[] | undefined> {
  return withBoundFolder(endpoint, place, { signal, access: 'read' }, async (bound) => {
    const found = await bound.walk();
    if (found.kind === 'absent') return undefined;
    if (found.kind !== 'directory') throw refused(place, `is no directory but a ${found.kind}`);
    return bound.list(place.path);
  });
}

/**
 * Puts the bytes into the file, reads them back, and makes directories that are missing with mode 0755; root owns all.
 * `mode` counts for a file that is new. The engine removes an old file before it writes the new one: if it is killed at
 * this moment there is none. Throws ENGINE_FAILED, and CHANGE_REFUSED for a directory or a link in the way, which the
 * engine would replace.
 */
export async function writeEngineFile(
  endpoint: Endpoint,
  place: EnginePath & { readonly mode: number },
  bytes: Uint8Array,
  { signal }: WaitOptions = {},
): Promise<void> {
  await withBoundFolder(endpoint, place, { signal, access: 'make' }, async (bound) => {
    const found = await bound.walk();
    if (found.kind !== 'file' && found.kind !== 'absent') {
      throw refused(place, `is no file but a ${found.kind}`);
    }
    const modifiedAt = Math.floor(Date.now() / 1000);
    const missing = found.kind === 'absent' ? found.missing : [];
    const mode = found.kind === 'file' ? found.mode : place.mode;
    await bound.unpack([
      ...missing.map((path) => ({ name: `${path}/`, modifiedAt })),
      { name: place.path, mode, bytes, modifiedAt },
    ]);
    const written = await bound.readFile();
    if (!written.bytes.equals(bytes)) {
      throw engineRefusal(endpoint, `wrote ${describe(place)}`, 'other bytes are there afterwards.');
    }
  });
}

/**
 * Removes the file, and with it the directory of one registry below certs.d if it is empty then. Of a link the link
 * goes. Throws ENGINE_FAILED when the file stays and is no `.crt`; CHANGE_REFUSED when there is a directory.
 */
export async function removeEngineFile(
  endpoint: Endpoint,
  place: EnginePath,
  { signal }: WaitOptions = {},
): Promise<Removal> {
  const removal = await withBoundFolder(
    endpoint,
    place,
    { signal, access: 'change' },
    async (bound): Promise<Removal> => {
      const found = await bound.walk();
      if (found.kind === 'absent') return 'absent';
      if (found.kind === 'directory') throw refused(place, 'is no file but a directory');
      const sentence = await bound.remove('file', place.path);
      if ((await bound.walk()).kind !== 'absent') {
        if (!place.path.endsWith('.crt')) {
          throw engineRefusal(endpoint, `cannot remove ${describe(place)}`, sentence);
        }
        await bound.unpack([{ name: place.path }]);
        const { bytes } = await bound.readFile();
        if (bytes.byteLength === 0) return 'emptied';
        throw engineRefusal(endpoint, `can neither remove nor empty ${describe(place)}`, sentence);
      }
      const parent = place.path.slice(0, Math.max(0, place.path.lastIndexOf('/')));
      const isOfOneRegistry = `${place.folder}/${parent}`.split('/').at(-2) === 'certs.d';
      if (parent !== '' && isOfOneRegistry && (await bound.list(parent)).length === 0) {
        await bound.remove('directory', parent);
      }
      return 'removed';
    },
  );
  return removal ?? 'absent';
}

type Found =
  /** `missing` are the directories above it that are not there, the outermost first. */
  | { readonly kind: 'absent'; readonly missing: readonly string[] }
  | { readonly kind: 'file'; readonly mode: number }
  | { readonly kind: 'directory' | 'link' | 'other' };

/** The folder, while its container exists. Paths are below it. */
interface BoundFolder {
  /** Looks at each name of the place's path from the outside in. Throws CHANGE_REFUSED for a link or file above it. */
  walk(): Promise<Found>;
  readFile(): Promise<EngineFile>;
  list(path: string): Promise<readonly EngineFolderEntry[]>;
  unpack(entries: readonly TarInput[]): Promise<void>;
  /** Removes what is there, a directory with all below it. Answers what the engine said: look whether it is gone. */
  remove(kind: 'file' | 'directory', path: string): Promise<string>;
}

interface BindOptions extends WaitOptions {
  /** `make`: change, and make the folder where there is none. */
  readonly access: 'read' | 'change' | 'make';
}

/** Binds the folder for the time of `use`, whose result it answers; `undefined` when the engine has no such folder. */
async function withBoundFolder<Result>(
  endpoint: Endpoint,
  place: EnginePath,
  { signal, access }: BindOptions,
  use: (bound: BoundFolder) => Promise<Result>,
): Promise<Result | undefined> {
  refuseUnsafe(place);
  await removeLeftovers(endpoint, signal);
  try {
    await using cleanup = new AsyncDisposableStack();
    // Names of our own are known even when the answer to their creation is lost. What creates is not cut off by the
    // signal: the engine would go on with it after we have cleaned up.
    const name = `berth-${randomUUID()}`;
    cleanup.defer(() => removeImage(endpoint, `${name}:1`));
    await importEmptyImage(endpoint, name);
    signal?.throwIfAborted();
    cleanup.defer(() => removeContainer(endpoint, name));
    if (!(await createContainer(endpoint, name, bindOf(place, access)))) return undefined;
    signal?.throwIfAborted();
    return await use(boundFolder(endpoint, place, name, signal));
  } catch (error) {
    throw firstError(error);
  }
}

/** Only the older form, Binds, makes a folder that is not there. */
function bindOf({ folder }: EnginePath, access: BindOptions['access']): object {
  if (access === 'make') return { Binds: [`${folder}:${mountPoint}`] };
  return {
    Mounts: [{ Type: 'bind', Source: folder, Target: mountPoint, ReadOnly: access === 'read' }],
  };
}

/** When cleaning up fails as well, what failed first says more. The next call sweeps. */
function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error;
}

function boundFolder(
  endpoint: Endpoint,
  place: EnginePath,
  container: string,
  signal: AbortSignal | undefined,
): BoundFolder {
  const archive = `/containers/${container}/archive`;
  const pathOf = (path: string): string => withQuery(archive, { path: `${mountPoint}/${path}` });
  const task = `cannot reach ${describe(place)}`;

  const readAll = async (path: string): Promise<readonly TarEntry[]> => {
    const { body } = await askEngine(endpoint, task, { path: pathOf(path), signal });
    try {
      return readTar(body);
    } catch (error) {
      if (!isAppError(error, 'CONTENT_UNREADABLE')) throw error;
      throw engineRefusal(endpoint, task, error.message);
    }
  };

  return {
    async walk() {
      const names = place.path.split('/');
      const paths = names.map((_, index) => names.slice(0, index + 1).join('/'));
      let found: Found = { kind: 'directory' };
      for (const [index, path] of paths.entries()) {
        if (found.kind !== 'directory') throw refused({ ...place, path }, `is below a ${found.kind}`);
        const answer = await requestEngine(endpoint, { method: 'HEAD', path: pathOf(path), signal });
        if (answer.status === 404) return { kind: 'absent', missing: paths.slice(index, -1) };
        if (answer.status >= 400) throw engineRefusal(endpoint, task, engineMessage(answer));
        found = parseStat(answer);
      }
      return found;
    },

    async readFile() {
      const [entry, ...others] = await readAll(place.path);
      if (entry?.type !== 'file' || others.length > 0) throw refused(place, 'changed while it was read');
      return { bytes: entry.bytes, mode: entry.mode };
    },

    async list(path) {
      // The first entry is the directory itself; names are relative to the directory above it.
      const below = (await readAll(path)).map(({ name, type }) => ({
        names: name.split('/'),
        kind: kindOf(type),
      }));
      const direct = below.flatMap(({ names: [, name, ...deeper], kind }) =>
        name === undefined || deeper.length > 0 ? [] : [{ name, kind }],
      );
      return direct.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    },

    async unpack(entries) {
      await askEngine(endpoint, task, {
        method: 'PUT',
        path: withQuery(archive, { path: mountPoint, noOverwriteDirNonDir: '1' }),
        body: writeTar(entries),
        signal,
      });
    },

    async remove(kind, path) {
      // moby removes what is at the path of an entry before it looks at the type, and fails at types that it does not
      // know: `unhandled tar header type 86` (20.10 pkg/archive, 28 github.com/moby/go-archive, Unpack).
      const answer = await requestEngine(endpoint, {
        method: 'PUT',
        path: withQuery(archive, { path: mountPoint, noOverwriteDirNonDir: kind === 'file' ? '1' : '0' }),
        body: writeTar([{ name: path, type: 'V' }]),
        signal,
      });
      return engineMessage(answer);
    },
  };
}

function kindOf(type: TarEntry['type']): EngineFolderEntry['kind'] {
  if (type === 'file' || type === 'directory') return type;
  return type === 'symlink' || type === 'hardlink' ? 'link' : 'other';
}

/** Go's os.FileMode: the type is in the high bits. The header is documented at HEAD /containers/{id}/archive. */
function parseStat({ headers }: EngineAnswer): Found {
  const header = Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64');
  const mode = parseFields(header.toString('utf8'))['mode'];
  if (typeof mode !== 'number') return { kind: 'other' };
  const type = (mode & 0x8f28_0000) >>> 0;
  if (type === 0) return { kind: 'file', mode: mode & 0o777 };
  return { kind: type === 0x8000_0000 ? 'directory' : type === 0x0800_0000 ? 'link' : 'other' };
}

async function importEmptyImage(endpoint: Endpoint, name: string): Promise<void> {
  const labels = [`LABEL ${purposeLabel}=${purpose}`, `LABEL ${startedLabel}=${Date.now()}`];
  const task = 'cannot make the empty image that its files are reached with';
  const answer = await askEngine(endpoint, task, {
    method: 'POST',
    path: withQuery('/images/create', { fromSrc: '-', repo: name, tag: '1', changes: labels }),
    body: writeTar([{ name: './' }]),
  });
  readProgress(endpoint, task, answer);
}

/** False when there is no such folder. */
async function createContainer(endpoint: Endpoint, name: string, bind: object): Promise<boolean> {
  const answer = await requestEngine(endpoint, {
    method: 'POST',
    path: withQuery('/containers/create', { name }),
    body: {
      Image: `${name}:1`,
      Cmd: [mountPoint],
      Labels: { [purposeLabel]: purpose, [startedLabel]: String(Date.now()) },
      HostConfig: { NetworkMode: 'none', ...bind },
    },
  });
  if (answer.status < 400) return true;
  const sentence = engineMessage(answer);
  if (answer.status === 400 && sentence.includes('bind source path does not exist')) return false;
  throw engineRefusal(endpoint, 'does not show its files', sentence);
}

/** What a killed process left behind: its label says that it is ours, and old. */
async function removeLeftovers(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<void> {
  const filters = JSON.stringify({ label: [`${purposeLabel}=${purpose}`] });
  const find = async (path: string): Promise<readonly string[]> => {
    const answer = await askEngine(endpoint, 'cannot list what it has', { path, signal });
    return oldIds(engineJson(endpoint, answer));
  };
  for (const id of await find(withQuery('/containers/json', { all: '1', filters })))
    await removeContainer(endpoint, id);
  for (const id of await find(withQuery('/images/json', { filters }))) await removeImage(endpoint, id);
}

function oldIds(list: unknown): readonly string[] {
  return listOf(list).flatMap((item) => {
    const fields = fieldsOf(item);
    const id = textOf(fields['Id']);
    const startedAt = Number(fieldsOf(fields['Labels'])[startedLabel]);
    return id !== undefined && Date.now() - startedAt > leftoverAgeMs ? [id] : [];
  });
}

async function removeContainer(endpoint: Endpoint, name: string): Promise<void> {
  const path = `/containers/${encodeURIComponent(name)}?force=1&v=1`;
  refuseFailedRemoval(endpoint, name, await requestEngine(endpoint, { method: 'DELETE', path }));
}

async function removeImage(endpoint: Endpoint, name: string): Promise<void> {
  const path = `/images/${encodeURIComponent(name)}?force=1`;
  refuseFailedRemoval(endpoint, name, await requestEngine(endpoint, { method: 'DELETE', path }));
}

/** 404: it never was. 409: another process removes it as well. */
function refuseFailedRemoval(endpoint: Endpoint, name: string, answer: EngineAnswer): void {
  if (answer.status >= 400 && answer.status !== 404 && answer.status !== 409) {
    throw engineRefusal(endpoint, `cannot remove ${name}`, engineMessage(answer));
  }
}

/** A place may come from a file that somebody edited: what is not plainly below the folder is not reached. */
function refuseUnsafe(place: EnginePath): void {
  const isPlain = (name: string): boolean =>
    /^[\w.:@+~[\]-]{1,100}$/.test(name) && name !== '.' && name !== '..';
  const [root, ...folders] = place.folder.split('/');
  const isSafe =
    root === '' &&
    folders.length > 0 &&
    // The API divides the two sides of a bind by a colon.
    folders.every((name) => isPlain(name) && !name.includes(':')) &&
    place.path.length <= 200 &&
    place.path.split('/').every(isPlain);
  if (!isSafe) throw refused(place, 'is no plain path below a folder');
}

function describe({ folder, path }: EnginePath): string {
  return `"${folder}/${path}"`;
}

function refused(place: EnginePath, reason: string): AppError {
  return new AppError('CHANGE_REFUSED', {
    message: `${describe(place)} on the engine's side ${reason}.`,
    hint: 'Look at it on the machine of the engine, and make the change by hand.',
  });
}
