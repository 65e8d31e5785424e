/**
 * The user file: Apache's htpasswd format, as `htpasswd -B` writes it and distribution's auth.htpasswd reads it.
 * One `name:hash` a line; blank lines and lines that start with `#` are comments. Only bcrypt hashes can log in.
 */
import { AppError } from '../spec/errors.ts';

/** One user of the file. */
export interface User {
  readonly name: string;
  readonly hash: string;
  /** False if no password can match, because the hash is not bcrypt or costs too much. */
  readonly isUsable: boolean;
  /** The line in the file, counted from 1. */
  readonly line: number;
}

/** What a user file says. */
export interface Users {
  readonly byName: ReadonlyMap<string, User>;
  /**
   * The bcrypt cost that most lines use (the higher of two equally frequent ones, 10 for none). Wrong passwords of
   * unknown users are worked on at this cost: any other choice would tell them from most of the known ones.
   */
  readonly cost: number;
  /** Sentences about lines that cannot log in. */
  readonly warnings: readonly string[];
}

/** The cost of hashes made here: about 75 ms of one core in JavaScript. */
export const ownCost = 10;

/** Above this a single login takes about 5 s or more in JavaScript, and any visitor could ask for it. */
const maxCost = 16;

const maxNameBytes = 255;
const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** True for a user name the file can hold: 1 to 255 bytes, no colon, control character or edge white space. */
export function isUserName(text: string): boolean {
  return (
    /^[^:\p{Cc}]+$/u.test(text) &&
    text.isWellFormed() &&
    text === text.trim() &&
    !text.startsWith('#') &&
    Buffer.byteLength(text) <= maxNameBytes
  );
}

/**
 * Reads a user file. `file` is its path, for messages. Throws USERS_INVALID with file and line: not UTF-8, a line
 * without a colon, an impossible name, a broken bcrypt hash, a name that comes twice.
 */
export function parseUsers(bytes: Uint8Array, file: string): Users {
  const byName = new Map<string, User>();
  const warnings: string[] = [];
  const costs = new Map<number, number>();
  for (const [line, content] of contentsOf(decode(bytes, file))) {
    const said = readLine(content);
    if ('wrong' in said) throw broken(file, line, said.wrong);
    const { name, hash, cost } = said;
    const former = byName.get(name);
    if (former !== undefined) throw broken(file, line, `has the user of line ${former.line} again`);
    const why = weakness(cost);
    if (cost !== undefined && why === undefined) costs.set(cost, (costs.get(cost) ?? 0) + 1);
    else warnings.push(warningFor(file, line, why ?? ''));
    byName.set(name, { name, hash, isUsable: why === undefined, line });
  }
  if (costs.size > 1) {
    warnings.push(`"${file}" mixes bcrypt costs; the time of a login tells which users have the rarer ones.`);
  }
  return { byName, cost: mostFrequent(costs), warnings };
}

/**
 * Answers the text of a user file with the hashes of some users set (`undefined` removes the line). Every other line
 * stays byte for byte. Throws as parseUsers.
 */
export function editUsers(
  bytes: Uint8Array,
  file: string,
  hashes: ReadonlyMap<string, string | undefined>,
): string {
  const { byName } = parseUsers(bytes, file);
  const lines: (string | undefined)[] = decode(bytes, file).split('\n');
  const added: string[] = [];
  for (const [name, hash] of hashes) {
    const user = byName.get(name);
    if (user === undefined) {
      if (hash !== undefined) added.push(`${name}:${hash}`);
      continue;
    }
    const old = lines[user.line - 1] ?? '';
    lines[user.line - 1] =
      hash === undefined
        ? undefined
        : `${old.slice(0, old.indexOf(':') + 1)}${hash}${old.endsWith('\r') ? '\r' : ''}`;
  }
  if (added.length > 0 && lines.at(-1) === '') lines.pop();
  const kept = lines.filter((line) => line !== undefined);
  return [...kept, ...added, ...(added.length > 0 ? [''] : [])].join('\n');
}

/** A line of a foreign user file that cannot be used here. */
export interface SkippedLine {
  /** Counted from 1. */
  readonly line: number;
  readonly reason: string;
}

/** Reads what of a foreign user file can log in here, and tells of each other line why it cannot. */
export function readForeignUsers(text: string): {
  readonly hashes: ReadonlyMap<string, string>;
  readonly skipped: readonly SkippedLine[];
} {
  const hashes = new Map<string, string>();
  const skipped: SkippedLine[] = [];
  for (const [index, content] of contentsOf(text)) {
    const said = readLine(content);
    const reason = 'wrong' in said ? said.wrong : (weakness(said.cost) ?? repetition(hashes, said.name));
    if (reason !== undefined) skipped.push({ line: index, reason });
    else if ('name' in said) hashes.set(said.name, said.hash);
  }
  return { hashes, skipped };
}

function repetition(hashes: ReadonlyMap<string, string>, name: string): string | undefined {
  return hashes.has(name) ? 'has a user that came before' : undefined;
}

/** The lines that say something, with their number counted from 1. */
function* contentsOf(text: string): Iterable<readonly [number, string]> {
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content !== '' && !content.startsWith('#')) yield [index + 1, content];
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    // The byte order mark of Windows editors is kept for editing; trim() takes it off the first line.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError('USERS_INVALID', { message: `The user file "${file}" is not UTF-8 text.` });
  }
}

/** What a line says, or what is wrong with it. The cost of a hash that is not bcrypt is `undefined`. */
function readLine(
  content: string,
): { readonly name: string; readonly hash: string; readonly cost: number | undefined } | { wrong: string } {
  const colon = content.indexOf(':');
  if (colon < 0) return { wrong: 'has no colon between name and hash' };
  const name = content.slice(0, colon);
  const hash = content.slice(colon + 1);
  if (!isUserName(name)) return { wrong: 'has a user name that cannot be used' };
  if (hash === '') return { wrong: 'has no hash' };
  // `$2x$`, a broken variant of 2011, is another kind.
  if (!/^\$2[aby]\$/.test(hash)) return { name, hash, cost: undefined };
  const cost = Number(bcryptHash.exec(hash)?.[1] ?? Number.NaN);
  return cost >= 4 && cost <= 31 ? { name, hash, cost } : { wrong: 'has a damaged bcrypt hash' };
}

/** Why nobody can log in by a hash of that cost, or `undefined`. */
function weakness(cost: number | undefined): string | undefined {
  if (cost === undefined) return 'has a hash that is not bcrypt';
  return cost <= maxCost
    ? undefined
    : `has the bcrypt cost ${cost}, which takes longer than a login may (${maxCost} at most)`;
}

function warningFor(file: string, line: number, why: string): string {
  return `Line ${line} of "${file}" ${why}: this user cannot log in. Set the password again with htpasswd -B.`;
}

function broken(file: string, line: number, what: string): AppError {
  return new AppError('USERS_INVALID', {
    message: `Line ${line} of the user file "${file}" ${what}.`,
    detail: { file, line },
  });
}

function mostFrequent(costs: ReadonlyMap<number, number>): number {
  const [best] = [...costs].toSorted(([a, timesA], [b, timesB]) => timesB - timesA || b - a);
  return best?.[0] ?? ownCost;
}
