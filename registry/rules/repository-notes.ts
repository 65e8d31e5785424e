/**
 * What people have set for repositories, berth/repositories.json: `{ "version": 1, "repositories": { "<name>": { "description":
 * "...", "isReadOnly": true } } }`. Written whole and durably, private, by the running registry alone. A repository keeps it
 * while it is in the trash.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makePrivateDirectory, systemCode, unusable, writePrivateFile } from '../disk/private-file.ts';
import { type RepositoryNote, repositoryNote } from '../spec/admin/content.ts';
import { AppError } from '../spec/errors.ts';
import type { Admit } from '../store/admission.ts';
import { createLocks } from '../store/locks.ts';
import type { ProtectedBy } from '../store/protection.ts';

export interface RepositoryNotes {
  readonly of: (repository: string) => RepositoryNote;
  /** Changes what is given; durable and in force when it resolves. Throws DATA_UNUSABLE. */
  set(repository: string, change: RepositoryNote): Promise<void>;
  /** Throws STORAGE_READ_ONLY, naming the repository. */
  readonly mustBeWritable: (repository: string) => void;
}

const noteFile = z.strictObject({
  version: z.literal(1),
  repositories: z.record(z.string(), repositoryNote),
});

/** Reads the notes of a data directory. Throws DATA_UNUSABLE: a broken file may say that something is read-only. */
export async function openRepositoryNotes(root: string): Promise<RepositoryNotes> {
  const path = join(root, 'berth', 'repositories.json');
  let notes: ReadonlyMap<string, RepositoryNote> = await readNotes(path);
  const locks = createLocks();
  return {
    of: (repository) => notes.get(repository) ?? {},
    set: (repository, change) =>
      locks.exclusive('notes', async () => {
        const { description = '', isReadOnly = false } = { ...notes.get(repository), ...change };
        const next = new Map(notes);
        if (description === '' && !isReadOnly) next.delete(repository);
        else {
          const note = { ...(description !== '' && { description }), ...(isReadOnly && { isReadOnly }) };
          next.set(repository, note);
        }
        await makePrivateDirectory(join(root, 'berth'));
        const text = JSON.stringify({ version: 1, repositories: Object.fromEntries(next) }, undefined, 2);
        await writePrivateFile(path, `${text}\n`);
        notes = next;
      }),
    mustBeWritable(repository) {
      if (notes.get(repository)?.isReadOnly !== true) return;
      throw new AppError('STORAGE_READ_ONLY', {
        message: `The repository ${repository} is read-only: nothing in it is pushed, moved or deleted. An administrator of this registry can end that.`,
        hint: `An administrator can end that: berth repository ${repository} --read-only off`,
        detail: { name: repository },
      });
    },
  };
}

/** Nothing arrives in a repository that is read-only. */
export function admitWritable({ mustBeWritable }: RepositoryNotes, admit: Admit): Admit {
  return (arrival) => {
    mustBeWritable(arrival.repository);
    return admit(arrival);
  };
}

/** What runs by itself leaves the tags of a repository alone that is read-only. */
export function protectReadOnly({ of }: RepositoryNotes, protectedBy: ProtectedBy): ProtectedBy {
  return (repository, tag) =>
    of(repository).isReadOnly === true ? 'read-only' : protectedBy(repository, tag);
}

async function readNotes(path: string): Promise<ReadonlyMap<string, RepositoryNote>> {
  try {
    const { repositories } = noteFile.parse(JSON.parse(await readFile(path, 'utf8')));
    return new Map(Object.entries(repositories));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return new Map();
    throw unusable(`Cannot use "${path}"`, error);
  }
}
