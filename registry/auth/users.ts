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
  for (const [index, text] of decode(bytes, file).split('\n').entries()) {
    const line = index + 1;
    const content = text.trim();
    if (content === '' || content.startsWith('#')) continue;
    const { name, hash } = splitLine(content, file, line);
    const former = byName.get(name);
    if (former !== undefined) throw broken(file, line, `has the user of line ${former.line} again`);
    const cost = costOf(hash, file, line);
    const isUsable = cost !== undefined && cost <= maxCost;
    if (isUsable) costs.set(cost, (costs.get(cost) ?? 0) + 1);
    else warnings.push(warningFor(file, line, cost));
    byName.set(name, { name, hash, isUsable, line });
  }
  if (costs.size > 1) {
    warnings.push(`"${file}" mixes bcrypt costs; the time of a login tells which users have the rarer ones.`);
  }
  return { byName, cost: mostFrequent(costs), warnings };
}

/**
 * Answers the text of a user file with the hash of one user set (`undefined` removes the line). Every other line
 * stays byte for byte. Throws as parseUsers.
 */
export function editUsers(bytes: Uint8Array, file: string, name: string, hash: string | undefined): string {
  const user = parseUsers(bytes, file).byName.get(name);
  const lines = decode(bytes, file).split('\n');
  if (user !== undefined) {
    const old = lines[user.line - 1] ?? '';
    if (hash === undefined) lines.splice(user.line - 1, 1);
    else
      lines[user.line - 1] = `${old.slice(0, old.indexOf(':') + 1)}${hash}${old.endsWith('\r') ? '\r' : ''}`;
  } else if (hash !== undefined) {
    if (lines.at(-1) === '') lines.pop();
    lines.push(`${name}:${hash}`, '');
  }
  return lines.join('\n');
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    // The byte order mark of Windows editors is kept for editing; trim() takes it off the first line.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError('USERS_INVALID', { message: `The user file "${file}" is not UTF-8 text.` });
  }
}

function splitLine(content: string, file: string, line: number): { name: string; hash: string } {
  const colon = content.indexOf(':');
  if (colon < 0) throw broken(file, line, 'has no colon between name and hash');
  const name = content.slice(0, colon);
  const hash = content.slice(colon + 1);
  if (!isUserName(name)) throw broken(file, line, 'has a user name that cannot be used');
  if (hash === '') throw broken(file, line, 'has no hash');
  return { name, hash };
}

/** The cost of a bcrypt hash, `undefined` for another kind. `$2x$`, a broken variant of 2011, is another kind. */
function costOf(hash: string, file: string, line: number): number | undefined {
  if (!/^\$2[aby]\$/.test(hash)) return undefined;
  const cost = Number(bcryptHash.exec(hash)?.[1] ?? Number.NaN);
  if (!(cost >= 4 && cost <= 31)) throw broken(file, line, 'has a damaged bcrypt hash');
  return cost;
}

function warningFor(file: string, line: number, cost: number | undefined): string {
  const what =
    cost === undefined
      ? 'has a hash that is not bcrypt'
      : `has the bcrypt cost ${cost}, which takes longer than a login may (${maxCost} at most)`;
  return `Line ${line} of "${file}" ${what}: this user cannot log in. Set the password again with htpasswd -B.`;
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
