/** What deleting many tags takes away. The registry plans a thousand at once: more are planned in parts. */
import type { TagsPlan } from '../../../registry/spec/admin/plans.ts';

const partTags = 1000;

export interface DeletionPlan {
  readonly parts: readonly TagsPlan[];
  readonly tags: number;
  readonly protectedTags: number;
  /** Digests that lose their last tag. */
  readonly digests: number;
  readonly freedBytes: number;
  /** False: parts share what is freed, which may be more. */
  readonly isExact: boolean;
}

/** Parts of which each has all tags of its digests, as far as they fit in. */
export function partsOf(
  tags: readonly string[],
  digestOf: (tag: string) => string | undefined,
): readonly (readonly string[])[] {
  if (tags.length <= partTags) return [tags];
  const sorted = tags
    .map((tag) => ({ tag, digest: digestOf(tag) ?? '' }))
    .toSorted((one, other) => (one.digest < other.digest ? -1 : Number(one.digest > other.digest)))
    .map(({ tag }) => tag);
  return Array.from({ length: Math.ceil(sorted.length / partTags) }, (_, index) =>
    sorted.slice(index * partTags, (index + 1) * partTags),
  );
}

export function sumOf(parts: readonly TagsPlan[]): DeletionPlan {
  const rows = parts.flatMap((part) => part.rows);
  const leaving = rows.filter(({ protectedBy }) => protectedBy === undefined);
  const exclusive = leaving.filter(({ staysWith }) => staysWith.length === 0);
  return {
    parts,
    tags: leaving.length,
    protectedTags: rows.length - leaving.length,
    digests: new Set(exclusive.map(({ digest }) => digest)).size,
    freedBytes: parts.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    isExact: parts.length <= 1,
  };
}
