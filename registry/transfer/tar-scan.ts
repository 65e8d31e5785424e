/** The members of a tar file: headers alone are read, contents are skipped. Nothing of a stranger's archive is trusted. */
import { posix } from 'node:path';
import {
  blockBytes,
  type Extended,
  extensionLimit,
  extensionOf,
  isExtension,
  padding,
  parseHeader,
  type TarBlock,
  withExtensions,
} from '../archive/tar-format.ts';
import { invalidBundle } from './invalid.ts';

export interface TarFile {
  readonly kind: 'file';
  readonly size: number;
  /** Where its content begins. */
  readonly offset: number;
}

/** A symbolic link to another name of the archive: docker writes a layer that two images share once. */
export interface TarLink {
  readonly kind: 'link';
  readonly target: string;
}

export type TarMember = TarFile | TarLink;

/** Bytes of the file; less than asked for only at its end. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

/** About 40 MB of memory; an image has less than 200. */
const mostMembers = 100_000;

/**
 * The files and links of an archive by their names, directories left out.
 * @throws AppError BUNDLE_INVALID, naming the member: names or links that lead out of the archive, names that come
 *   twice, devices, hard links, sparse files, contents that are cut off
 */
export async function scanTar(
  readAt: ReadAt,
  { size: fileSize, signal }: { readonly size: number; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, TarMember>> {
  const members = new Map<string, TarMember>();
  let extended: Extended = new Map();
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const block = await readAt(at, blockBytes);
    if (block.length < blockBytes)
      throw at === 0
        ? invalidBundle('the file', 'is no archive')
        : invalidBundle('the archive', 'is cut off');
    if (block.every((byte) => byte === 0)) return members;
    const which = at === 0 ? 'the file is no archive, or its first member' : `the member at byte ${at}`;
    const header = attempt(which, () => describe(parseHeader(block), extended));
    const start = at + blockBytes;
    at = start + header.size + padding(header.size);
    if (at > fileSize) throw invalidBundle(header.name, 'is cut off');
    if (isExtension(header)) {
      if (header.size > extensionLimit)
        throw invalidBundle(header.name, 'is too long for an extended header');
      const content = await readAt(start, header.size);
      extended = attempt(header.name, () => new Map([...extended, ...extensionOf(header.type, content)]));
      continue;
    }
    extended = new Map();
    const name = innerName(header.name);
    const member = memberOf(header, start, name);
    if (member === undefined || name === '') continue;
    if (members.has(name)) throw invalidBundle(header.name, 'is in the archive twice');
    if (members.size === mostMembers)
      throw invalidBundle('the archive', `has more than ${mostMembers} members`);
    members.set(name, member);
  }
}

/** An extension describes the member, not another extension before it. */
function describe(header: TarBlock, extended: Extended): TarBlock {
  if (isExtension(header)) return header;
  if (extended.keys().some((key) => key.startsWith('GNU.sparse.'))) throw new Error('is a sparse file');
  return withExtensions(header, extended);
}

/** The name below the top of the archive; empty for the top itself. */
function innerName(name: string): string {
  const parts = name.replace(/\/+$/, '').split('/');
  while (parts[0] === '.') parts.shift();
  if (
    name === '' ||
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    name.length > 4096
  ) {
    throw invalidBundle(name, 'has a name that leads out of the archive');
  }
  return parts.join('/');
}

function memberOf({ type, name, size, link }: TarBlock, offset: number, inner: string) {
  // Before POSIX a slash at the end was all that told a directory.
  if (type === '5' || (type === '0' && name.endsWith('/'))) return undefined;
  if (type === '0') return { kind: 'file', size, offset } as const;
  if (type !== '2') throw invalidBundle(name, 'is neither a file, nor a directory, nor a symbolic link');
  const target = posix.join(posix.dirname(inner), link);
  if (link.startsWith('/') || target.split('/')[0] === '..') {
    throw invalidBundle(name, 'is a link that leads out of the archive');
  }
  return { kind: 'link', target } as const;
}

function attempt<T>(member: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw invalidBundle(member, error instanceof Error ? error.message : String(error), error);
  }
}
