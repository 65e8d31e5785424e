import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { JournalEntry } from './journal.ts';
import type { StoredKeys } from './stored-keys.ts';

export interface Pull {
  readonly repository: RepoName;
  /** Absent where the client asked for the digest. */
  readonly tag: Tag | undefined;
  readonly digest: Digest;
}

/** Counts pulls in memory, so that a pull writes nothing. */
export interface Pulls {
  add(pull: Pull): void;
  /**
   * Takes the sums since the last time, as lines of the journal. Clients that resolve a tag with HEAD (containerd) ask
   * for the digest then, so a pull of a digest counts for the tags that mean it. A manifest that an index lists is the
   * second half of a pull that was counted.
   */
  take(keys: Pick<StoredKeys, 'tagsOf' | 'isListed'>): readonly JournalEntry[];
  /** Gives back lines that could not be written. */
  giveBack(entries: readonly JournalEntry[]): void;
}

interface Sum {
  readonly repository: string;
  readonly reference: Tag | Digest;
  count: number;
  lastAt: number;
}

export function createPulls(now: () => number): Pulls {
  let sums = new Map<string, Sum>();
  let returned: readonly JournalEntry[] = [];

  return {
    add({ repository, tag, digest }) {
      const reference = tag ?? digest;
      const key = `${repository}@${reference}`;
      const sum = sums.get(key) ?? { repository, reference, count: 0, lastAt: 0 };
      sum.count++;
      sum.lastAt = now();
      sums.set(key, sum);
    },
    take(keys) {
      const entries = [...returned];
      for (const { repository, reference, count, lastAt } of sums.values()) {
        const isDigest = reference.includes(':');
        if (isDigest && keys.isListed(repository, reference)) continue;
        const tags = isDigest ? keys.tagsOf(repository, reference) : [reference];
        entries.push({
          at: new Date(lastAt).toISOString(),
          kind: 'pull',
          repository,
          tags: [...tags],
          count,
        });
      }
      sums = new Map();
      returned = [];
      return entries;
    },
    giveBack(entries) {
      returned = [...returned, ...entries];
    },
  };
}
