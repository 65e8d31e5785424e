/**
 * Where the password of the first user is after the first start. The registry writes it into a file of its data directory
 * before it says that it runs, so that no crash loses it. Where the system has a keychain, that of a user whom the app has
 * made itself is taken out of the file: encrypted into a private file of the app, and only then removed. Any other file was
 * promised to somebody, by `berth serve` for example, and stays.
 */
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { firstPasswordFile } from '../../registry/disk/first-password.ts';
import { syncDirectory, systemCode, unusable, writePrivateFile } from '../../registry/disk/private-file.ts';
import { AppError } from '../../registry/spec/errors.ts';
import type { FirstPassword } from '../contract/setup.ts';

/** What encrypts for this user of the system alone. */
export interface Keychain {
  /** False where everybody could decrypt: there is no keychain then. */
  isSafe(): Promise<boolean>;
  encrypt(text: string): Promise<Buffer>;
  /** `isOutdated`: the key has changed since, and the text should be encrypted anew. */
  decrypt(bytes: Buffer): Promise<{ readonly text: string; readonly isOutdated: boolean }>;
}

export interface FirstPasswords {
  /** Takes that of a user who was made now into the keychain, where there is one. Throws DATA_UNUSABLE; the file stays. */
  take(root: string, user: string): Promise<void>;
  /** Where that of a data directory is kept; waits for `take`. Throws DATA_UNUSABLE. */
  find(root: string): Promise<FirstPassword | undefined>;
  /** Throws FILE_UNKNOWN where it is not kept, DATA_UNUSABLE where it cannot be read. */
  reveal(root: string): Promise<string>;
  forget(root: string): Promise<void>;
  /** The data directory was copied: what is kept for it is kept for the other one, too. Throws DATA_UNUSABLE. */
  copy(root: string, other: string): Promise<void>;
}

/** By data directory; `secret` is base64 of what the keychain encrypted. */
const schema = z.record(z.string(), z.object({ user: z.string(), secret: z.string() }));
type Kept = z.output<typeof schema>;

/** `file` is the private file of the app. */
export function createFirstPasswords(file: string, keychain: Keychain): FirstPasswords {
  /** One after the other: each reads what the one before has written. */
  let former: Promise<unknown> = Promise.resolve();
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = former.then(act, act);
    former = turn;
    return turn;
  }

  async function read(): Promise<Kept> {
    const text = await readIfThere(file);
    const parsed = schema.safeParse(text === undefined ? {} : parseJson(text));
    if (parsed.success) return parsed.data;
    throw new AppError('DATA_UNUSABLE', {
      message: `"${file}" does not hold what the app wrote.`,
      hint: 'Move the file away. Another password is one command away: berth user passwd dev',
    });
  }

  async function keep(root: string, user: string, password: string): Promise<void> {
    const secret = (await keychain.encrypt(password)).toString('base64');
    await write({ ...(await read()), [root]: { user, secret } });
  }

  async function write(kept: Kept): Promise<void> {
    await writePrivateFile(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  }

  async function find(root: string): Promise<FirstPassword | undefined> {
    const own = (await read())[root];
    if (own !== undefined) return { user: own.user, keptIn: { kind: 'keychain' } };
    const path = firstPasswordFile(root);
    if ((await readIfThere(path)) === undefined) return undefined;
    return { user: firstUser, keptIn: { kind: 'file', path } };
  }

  async function reveal(root: string): Promise<string> {
    const own = (await read())[root];
    if (own === undefined) {
      const text = await readIfThere(firstPasswordFile(root));
      if (text !== undefined) return text.trim();
      throw new AppError('FILE_UNKNOWN', {
        message: 'The first password is not kept any more.',
        hint: 'Set another one: berth user passwd dev',
      });
    }
    const { text, isOutdated } = await keychain
      .decrypt(Buffer.from(own.secret, 'base64'))
      .catch((error: unknown) => {
        throw new AppError('DATA_UNUSABLE', {
          message: 'The keychain of the system does not give the key to the first password.',
          hint: 'Unlock it and try again, or set another password: berth user passwd dev',
          cause: error,
        });
      });
    if (isOutdated) await keep(root, own.user, text);
    return text;
  }

  return {
    take: (root, user) =>
      inTurn(async () => {
        if (!(await keychain.isSafe())) return;
        const path = firstPasswordFile(root);
        const text = await readIfThere(path);
        if (text === undefined) return;
        await keep(root, user, text.trim());
        await remove(path);
      }),
    find: (root) => inTurn(() => find(root)),
    reveal: (root) => inTurn(() => reveal(root)),
    copy: (root, other) =>
      inTurn(async () => {
        const kept = await read();
        const own = kept[root];
        if (own !== undefined) await write({ ...kept, [other]: own });
      }),
    forget: (root) =>
      inTurn(async () => {
        const { [root]: own, ...others } = await read();
        if (own !== undefined) await write(others);
        await remove(firstPasswordFile(root));
      }),
  };
}

/** The one that every first start makes. */
const firstUser = 'dev';

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(`Cannot read "${path}"`, error);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path);
    await syncDirectory(dirname(path));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw unusable(`Cannot remove "${path}"`, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
