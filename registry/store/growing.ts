import type { RepoName } from '../spec/names.ts';
import type { Locks } from './locks.ts';

/**
 * Runs what may make directories in a repository: beside others of the kind, and not while directories of this or a
 * neighbouring repository are found empty and removed.
 */
export function growing<T>(locks: Locks, repository: RepoName, act: () => Promise<T>): Promise<T> {
  return locks.shared(directoriesOf(repository), act);
}

/** The lock for the directories of all repositories whose names start alike. No key of another lock starts so. */
export function directoriesOf(repository: RepoName): string {
  return `::${repository.split('/', 1)[0]}`;
}
