/**
 * The files of a layer: its archive is read once, whole, and what is kept is a sorted list of texts.
 *
 *     row    name NUL name NUL ... name NUL NUL [entry, type, mode, uid, gid, time, size, link, opaque]
 *
 * NUL stands before every other letter, so a directory is followed by all that is below it, and a row is found by its path
 * in a binary search. `entry` is the place in the archive, for whoever wants the content. Directories that have no entry
 * of their own get a row.
 *
 * OCI image-spec, "Representing Changes" and "Whiteouts": `.wh.NAME` removes NAME, `.wh..wh..opq` hides what the layers
 * below have in its directory. Both mean what is below, so they do not remove what the same layer adds.
 */
import { createTarReader, type TarHeader } from '../archive/tar-reader.ts';
import { unpack } from '../archive/unpack.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { FileRow } from '../spec/admin/image.ts';
import { fileTypes } from '../spec/admin/image.ts';
import type { Blob, Blobs } from '../store/blobs.ts';
import {
  createKept,
  createPause,
  createRowSorter,
  lowerBound,
  type Pause,
  stepsPerPause,
  tooLarge,
} from './rows.ts';

export interface LayerListing {
  readonly rows: readonly string[];
  /** Regular files, each path once. */
  readonly files: number;
  readonly unpackedBytes: number;
  /** It hides all layers below. */
  readonly isOpaque: boolean;
}

export interface LayerLimits {
  readonly rows: number;
  readonly characters: number;
  /** Of one path or target of a link; no system takes a longer one. */
  readonly pathCharacters: number;
  readonly unpackedBytes: number;
  /** How many times its size a layer may unpack to, above 64 MiB. Gzip does not get there. */
  readonly ratio: number;
  readonly durationMs: number;
}

export const layerLimits: LayerLimits = {
  rows: 200_000,
  characters: 24 * 1024 * 1024,
  pathCharacters: 4096,
  unpackedBytes: 8 * 1024 ** 3,
  ratio: 2000,
  durationMs: 120_000,
};
const ratioFromBytes = 64 * 1024 * 1024;
const keptListings = { listings: 16, characters: 24 * 1024 * 1024 };
/** The largest file whose content is answered. */
export const fileLimit = 256 * 1024;

export interface LayerFiles {
  /**
   * Reads the layer, or answers what is known of it.
   * @throws AppError CONTENT_UNREADABLE, CONTENT_TOO_LARGE, STORAGE_FAILED when it is damaged on disk
   */
  list(layer: Blob, signal: AbortSignal): Promise<LayerListing>;
  /**
   * The content of a regular file, or of one that a hard link in the same layer names.
   * @throws AppError FILE_UNKNOWN, CONTENT_UNREADABLE, CONTENT_TOO_LARGE
   */
  read(layer: Blob, path: string, signal: AbortSignal): Promise<Buffer>;
  /**
   * Finds such a file whatever its size. Its content is read when somebody asks for it, as fast as that one takes it.
   * @throws AppError FILE_UNKNOWN, CONTENT_UNREADABLE, CONTENT_TOO_LARGE
   */
  get(layer: Blob, path: string, signal: AbortSignal): Promise<LayerFile>;
}

export interface LayerFile {
  readonly size: number;
  /** @throws AppError CONTENT_UNREADABLE, CONTENT_TOO_LARGE */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export function createLayerFiles(blobs: Pick<Blobs, 'read'>, limits: LayerLimits = layerLimits): LayerFiles {
  const kept = createKept<LayerListing>(keptListings);

  async function scan(layer: Blob, signal: AbortSignal): Promise<LayerListing> {
    const pause = createPause(signal);
    const sorter = createRowSorter(limits);
    let entry = 0;
    const unpackedBytes = await walk(layer, signal, {
      entry(header) {
        for (const row of rowsOf(header, entry, limits)) sorter.add(row);
        entry += 1;
      },
    });
    return { ...(await settle(await sorter.sorted(pause), pause, limits)), unpackedBytes };
  }

  /** Reads the archive to its end. Answers how many bytes were unpacked. */
  async function walk(layer: Blob, signal: AbortSignal, handler: WalkHandler): Promise<number> {
    const late = AbortSignal.timeout(limits.durationMs);
    let unpackedBytes = 0;
    for await (const bytes of steps(layer, { signal, late }, handler)) unpackedBytes = bytes;
    return unpackedBytes;
  }

  /** Reads the archive until `isDone`, or its end. Yields behind each part how many bytes were unpacked. */
  async function* steps(layer: Blob, { signal, late }: Ends, handler: WalkHandler): AsyncGenerator<number> {
    const either = late === undefined ? signal : AbortSignal.any([signal, late]);
    const pause = createPause(either);
    const reader = createTarReader(handler);
    let unpackedBytes = 0;
    try {
      for await (const part of unpack(blobs.read(layer, { signal: either }))) {
        unpackedBytes += part.length;
        checkSize(layer, unpackedBytes);
        reader.write(part);
        yield unpackedBytes;
        if (handler.isDone?.() === true) return;
        await pause();
      }
      reader.end();
    } catch (error) {
      if (late?.aborted === true && !signal.aborted) {
        throw tooLarge(`to read it takes longer than ${limits.durationMs / 1000} seconds`);
      }
      // What does not unpack may be damaged on disk, which the next push mends if it is told.
      if (isAppError(error, 'CONTENT_UNREADABLE')) {
        for await (const _ of blobs.read(layer, { signal })) await pause();
      }
      throw error;
    }
  }

  function checkSize({ size }: Blob, unpackedBytes: number): void {
    if (unpackedBytes > limits.unpackedBytes) {
      throw tooLarge(`it unpacks to more than ${limits.unpackedBytes} bytes`);
    }
    if (unpackedBytes > Math.max(ratioFromBytes, limits.ratio * size)) {
      throw tooLarge(`it unpacks to more than ${limits.ratio} times its size`);
    }
  }

  async function* contentOf(layer: Blob, { entry, row }: Row, ends: Ends): AsyncGenerator<Buffer> {
    let parts: Buffer[] = [];
    let at = -1;
    let isSparse = false;
    const all = steps(layer, ends, {
      entry(header) {
        at += 1;
        if (at === entry) ({ isSparse } = header);
      },
      content(part) {
        if (at === entry) parts.push(Buffer.from(part));
      },
      isDone: () => at > entry,
    });
    for await (const _ of all) {
      if (isSparse) {
        throw new AppError('CONTENT_UNREADABLE', {
          message: `${JSON.stringify(row.path)} is stored as a sparse file, which is not put together here.`,
        });
      }
      yield* parts;
      parts = [];
    }
  }

  const list: LayerFiles['list'] = (layer, signal) => kept.get(layer.digest, () => scan(layer, signal));

  return {
    list,
    async read(layer, path, signal) {
      const found = findFile(await list(layer, signal), layer.digest, path);
      const { size, path: name } = found.row;
      if (size > fileLimit) throw tooLarge(`${JSON.stringify(name)} has ${size} bytes`);
      const late = AbortSignal.timeout(limits.durationMs);
      return Buffer.concat(await Array.fromAsync(contentOf(layer, found, { signal, late })));
    },
    async get(layer, path, signal) {
      const found = findFile(await list(layer, signal), layer.digest, path);
      // How long it takes is up to the one who reads.
      return {
        size: found.row.size,
        read: (reading) => contentOf(layer, found, { signal: reading, late: undefined }),
      };
    },
  };
}

type WalkHandler = Parameters<typeof createTarReader>[0] & { readonly isDone?: () => boolean };

/** When reading ends early: `late` says that it took too long. */
interface Ends {
  readonly signal: AbortSignal;
  readonly late: AbortSignal | undefined;
}

// --- rows ---

interface Row {
  /** -1 for what has no entry of its own. */
  readonly entry: number;
  readonly row: FileRow;
}

const removed = -1;
const opaqueMark = -2;
const directory = fileTypes.indexOf('directory');
type Fields = readonly [
  entry: number,
  type: number,
  mode: number,
  uid: number,
  gid: number,
  time: number,
  size: number,
  link: string,
  isOpaque: 0 | 1,
];

function rowsOf(header: TarHeader, entry: number, { pathCharacters }: LayerLimits): readonly string[] {
  const { name, link, type, mode, uid, gid, modifiedAt, size } = header;
  if (name.length > pathCharacters || link.length > pathCharacters) {
    throw tooLarge(`a path has more than ${pathCharacters} characters`);
  }
  const names = namesOf(name);
  const last = names.at(-1);
  // The top itself, which every layer of docker begins with.
  if (last === undefined) return [];
  const above = names.slice(0, -1).join('\0');
  if (last === '.wh..wh..opq') {
    return [encode(above, [entry, opaqueMark, 0, 0, 0, 0, 0, '', 1])];
  }
  // The union file system aufs kept its own files so.
  if (last.startsWith('.wh..wh.')) return [];
  if (last.startsWith('.wh.') && last.length > 4) {
    const key = [...names.slice(0, -1), last.slice(4)].join('\0');
    return [encode(key, [entry, removed, 0, 0, 0, 0, 0, '', 0])];
  }
  const fields: Fields = [entry, fileTypes.indexOf(type), mode, uid, gid, modifiedAt, size, link, 0];
  return [encode(names.join('\0'), fields)];
}

function namesOf(path: string): readonly string[] {
  return path
    .replaceAll('\0', '\ufffd')
    .split('/')
    .filter((name) => name !== '' && name !== '.');
}

function encode(key: string, fields: Fields): string {
  return `${key}\0\0${JSON.stringify(fields)}`;
}

function keyOf(row: string): string {
  return row.slice(0, row.indexOf('\0\0'));
}

function fieldsOf(row: string): Fields {
  return JSON.parse(row.slice(row.indexOf('\0\0') + 2)) as Fields;
}

/** One row for each path: the last entry counts, as for who unpacks it. Directories that are only named get theirs. */
async function settle(
  sorted: readonly string[],
  pause: Pause,
  limits: LayerLimits,
): Promise<Omit<LayerListing, 'unpackedBytes'>> {
  const rows: string[] = [];
  let files = 0;
  let charactersLeft = limits.characters;
  const push = (row: string): void => {
    charactersLeft -= row.length;
    if (rows.length >= limits.rows) throw tooLarge(`it has more than ${limits.rows} entries`);
    if (charactersLeft < 0) throw tooLarge(`its names have more than ${limits.characters} characters`);
    rows.push(row);
  };
  // The mark of the top stands before all rows.
  const isOpaque = sorted[0]?.startsWith('\0\0') === true;
  let before = '';
  for (
    let at = isOpaque ? sorted.findIndex((row) => !row.startsWith('\0\0')) : 0, steps = 0;
    at >= 0 && at < sorted.length;
    steps++
  ) {
    const key = keyOf(sorted[at] ?? '');
    const same: Fields[] = [];
    for (; sorted[at]?.startsWith(`${key}\0\0`) === true; at++) same.push(fieldsOf(sorted[at] ?? ''));
    for (const parent of missingParents(before, key)) {
      push(encode(parent, [-1, directory, 0, 0, 0, 0, 0, '', 0]));
    }
    const fields = settled(same);
    if (fields[1] === fileTypes.indexOf('file')) files += 1;
    push(encode(key, fields));
    before = key;
    if (steps % stepsPerPause === 0) await pause();
  }
  return { rows, files, isOpaque };
}

function settled(same: readonly Fields[]): Fields {
  const newest = (one: Fields, other: Fields): Fields => (other[0] > one[0] ? other : one);
  const [first, ...more] = same.filter(([, type]) => type >= 0);
  const hides = same.some(([, type]) => type < 0);
  if (first !== undefined) {
    const entry = more.reduce(newest, first);
    return hides && entry[1] === directory ? [...withoutMark(entry), 1] : entry;
  }
  return same.some(([, type]) => type === opaqueMark)
    ? [-1, directory, 0, 0, 0, 0, 0, '', 1]
    : [-1, removed, 0, 0, 0, 0, 0, '', 0];
}

function withoutMark([entry, type, mode, uid, gid, time, size, link]: Fields) {
  return [entry, type, mode, uid, gid, time, size, link] as const;
}

/** The directories above a path that neither stand before it nor lead to what does, the outermost first. */
function missingParents(before: string, key: string): readonly string[] {
  const missing: string[] = [];
  for (let end = key.indexOf('\0'); end !== -1; end = key.indexOf('\0', end + 1)) {
    const parent = key.slice(0, end);
    if (before !== parent && !before.startsWith(`${parent}\0`)) missing.push(parent);
  }
  return missing;
}

function decode(text: string): Row {
  const [entry, type, mode, uid, gid, time, size, link, isOpaque] = fieldsOf(text);
  const path = keyOf(text).replaceAll('\0', '/');
  if (type === removed) {
    return { entry, row: { path, type: 'other', size: 0, change: 'removed', isOpaque: false } };
  }
  const about = entry < 0 ? {} : { mode, uid, gid, modifiedAt: timeOf(time) };
  return {
    entry,
    row: {
      path,
      type: fileTypes[type] ?? 'other',
      ...about,
      size,
      ...(link === '' ? {} : { link }),
      isOpaque: isOpaque === 1,
    },
  };
}

function timeOf(seconds: number): string {
  const ms = seconds * 1000;
  return new Date(Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString();
}

/** What a listing has at a path. */
export function findRow({ rows }: LayerListing, path: string): FileRow | undefined {
  return find(rows, path)?.row;
}

function find(rows: readonly string[], path: string): Row | undefined {
  const start = `${namesOf(path).join('\0')}\0\0`;
  const text = rows[lowerBound(rows, start)];
  return text?.startsWith(start) === true ? decode(text) : undefined;
}

const mostLinks = 8;

function findFile({ rows }: LayerListing, digest: Digest, path: string): Row {
  let at = path;
  for (let links = 0; links < mostLinks; links++) {
    const found = find(rows, at);
    if (found?.row.type === 'file') return found;
    if (found?.row.link === undefined || found.row.type !== 'hardlink') break;
    at = found.row.link;
  }
  throw new AppError('FILE_UNKNOWN', {
    message: `The layer ${digest} has no file ${JSON.stringify(path)}${at === path ? '' : ` of its own: it is a link to ${JSON.stringify(at)}`}.`,
  });
}

// --- pages ---

export interface FileQuery {
  readonly path?: string | undefined;
  readonly q?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Of JSON, each of which may be three bytes; far enough below the largest message of the control plane. */
const pageCharacters = 256 * 1024;

/**
 * A page of a listing: what `layers.files` of the control plane answers, without what the layers below have to do with it.
 * @throws AppError FILE_UNKNOWN when `path` is no directory
 */
export async function pageOfFiles(
  { rows }: LayerListing,
  { path, q, after, limit }: FileQuery,
  pause: Pause,
): Promise<{ readonly rows: readonly FileRow[]; readonly total: number; readonly next?: string }> {
  const top = path === undefined ? '' : namesOf(path).join('\0');
  mustBeDirectory(rows, top);
  const isFlat = path !== undefined && (q === undefined || q === '');
  const end = top === '' ? rows.length : lowerBound(rows, `${top}\x01`);
  const wanted = q === undefined || q === '' ? undefined : q.toLowerCase();
  const afterKey = after === undefined ? undefined : namesOf(after).join('\0');
  const found: FileRow[] = [];
  let total = 0;
  let isFull = false;
  let isMore = false;
  let characters = 0;
  for (let at = top === '' ? 0 : lowerBound(rows, `${top}\0\x01`), steps = 0; at < end; steps++) {
    const text = rows[at] ?? '';
    const key = keyOf(text);
    if (wanted === undefined || key.replaceAll('\0', '/').toLowerCase().includes(wanted)) {
      total += 1;
      if (afterKey === undefined || key > afterKey) {
        if (isFull) isMore = true;
        else {
          const { row } = decode(text);
          found.push(row);
          characters += JSON.stringify(row).length;
          isFull = found.length >= limit || characters > pageCharacters;
        }
      }
    }
    at += 1;
    // A directory is passed over with all that is below it.
    if (isFlat && rows[at]?.startsWith(`${key}\0`) === true) at = lowerBound(rows, `${key}\x01`);
    if (steps % stepsPerPause === 0) await pause();
  }
  const last = found.at(-1);
  return { rows: found, total, ...(isMore && last !== undefined ? { next: last.path } : {}) };
}

function mustBeDirectory(rows: readonly string[], top: string): void {
  if (top === '') return;
  const found = find(rows, top.replaceAll('\0', '/'));
  if (found?.row.type === 'directory') return;
  throw new AppError('FILE_UNKNOWN', {
    message: `The layer has no directory ${JSON.stringify(top.replaceAll('\0', '/'))}.`,
  });
}

// --- layers below ---

/** Says of rows what they change in the layers below, the nearest first; each is read when it is needed. */
export async function compareWithBelow(
  rows: readonly FileRow[],
  below: readonly (() => Promise<LayerListing>)[],
): Promise<readonly FileRow[]> {
  const found = new Map<FileRow, FileRow | 'hidden'>();
  for (const list of below) {
    const open = rows.filter((row) => !found.has(row));
    if (open.length === 0) break;
    const listing = await list();
    for (const row of open) {
      const lower = lookBelow(listing, row.path);
      if (lower !== undefined) found.set(row, lower);
    }
  }
  return rows.map((row) => changed(row, found.get(row)));
}

/**
 * Bytes of the layers below, the nearest first, that a layer replaces, removes or hides, whole directories included: they
 * are kept for nothing in every image that has the layer.
 */
export async function countWasted(
  { rows, isOpaque }: LayerListing,
  below: readonly (() => Promise<LayerListing>)[],
  pause: Pause,
): Promise<number> {
  const nearer: LayerListing[] = [];
  let wasted = 0;
  for (const list of below) {
    const listing = await list();
    for await (const { path, size } of hiddenOf(listing)) {
      if (size > 0 && nearer.every((each) => lookBelow(each, path) === undefined)) wasted += size;
    }
    nearer.push(listing);
  }
  return wasted;

  /** Each row of a listing that the layer hides, once. */
  async function* hiddenOf(listing: LayerListing): AsyncGenerator<FileRow> {
    if (isOpaque) yield* rowsIn(listing, 0, listing.rows.length);
    let covered: string | undefined;
    for (const text of isOpaque ? [] : rows) {
      const key = keyOf(text);
      if (covered !== undefined && key.startsWith(covered)) continue;
      const [, type, , , , , , , isOpaqueDirectory] = fieldsOf(text);
      if (type === directory && isOpaqueDirectory === 0) continue;
      covered = `${key}\0`;
      const start = type === directory ? `${key}\0\x01` : covered;
      yield* rowsIn(listing, lowerBound(listing.rows, start), lowerBound(listing.rows, `${key}\x01`));
    }
  }

  async function* rowsIn(listing: LayerListing, start: number, end: number): AsyncGenerator<FileRow> {
    await pause();
    for (let at = start; at < end; at++) {
      yield decode(listing.rows[at] ?? '').row;
      if (at % stepsPerPause === 0) await pause();
    }
  }
}

function lookBelow(listing: LayerListing, path: string): FileRow | 'hidden' | undefined {
  const there = findRow(listing, path);
  if (there !== undefined) return there.change === 'removed' ? 'hidden' : there;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const above = findRow(listing, path.slice(0, end));
    if (above !== undefined && (above.isOpaque || above.type !== 'directory')) return 'hidden';
  }
  return listing.isOpaque ? 'hidden' : undefined;
}

function changed(row: FileRow, lower: FileRow | 'hidden' | undefined): FileRow {
  const wasted =
    lower === undefined || lower === 'hidden' || lower.size === 0 ? {} : { wastedBytes: lower.size };
  if (row.change === 'removed') return { ...row, ...wasted };
  if (lower === undefined || lower === 'hidden') return { ...row, change: 'added' };
  const isSameDirectory =
    row.type === 'directory' &&
    lower.type === 'directory' &&
    !row.isOpaque &&
    (row.mode === undefined ||
      lower.mode === undefined ||
      (row.mode === lower.mode && row.uid === lower.uid && row.gid === lower.gid));
  return isSameDirectory ? row : { ...row, change: 'modified', ...wasted };
}
