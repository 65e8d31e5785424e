import { useCallback } from 'react';
import type { ManifestListRow } from '../../../registry/spec/admin/content.ts';
import type { ManifestsPlan } from '../../../registry/spec/admin/plans.ts';
import { formatCount, formatPlural, shortDigest } from '../../format.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk, useGuess } from '../../state/calls.ts';
import { useRestore } from '../../state/trash.ts';

/** Deletes manifests that have no tag: what a given plan says, or one of now. Answers whether any is gone. */
export function useDeleteManifests(
  repository: string,
): (digests: readonly string[], plan?: ManifestsPlan) => Promise<boolean> {
  const ask = useAsk();
  const guess = useGuess();
  const restore = useRestore();
  return useCallback(
    async (digests, given) => {
      let takeBack = (): void => undefined;
      try {
        const plan = given ?? (await ask('manifests.plan', { repository, digests: [...digests] }));
        const going = new Set(goingIn(plan));
        if (going.size === 0) {
          toast({ kind: 'error', text: keptText(plan) });
          return false;
        }
        takeBack = guess('manifests.list', (all) =>
          (all as readonly ManifestListRow[]).filter(({ digest }) => !going.has(digest)),
        );
        const { deleted, kept, trash } = await ask('manifests.delete', {
          repository,
          digests: [...digests],
          plan: plan.plan,
        });
        const stay = kept.length === 0 ? '' : `; ${formatCount(kept.length)} in use, and kept`;
        toast({ text: `Deleted ${nameOf(deleted)}${stay}`, undo: () => restore(trash) });
        return deleted.length > 0;
      } catch (error) {
        takeBack();
        toastError(error);
        return false;
      }
    },
    [ask, guess, restore, repository],
  );
}

/** The digests that go. */
export function goingIn({ rows }: ManifestsPlan): readonly string[] {
  return rows.filter(({ keptBy }) => keptBy === undefined).map(({ digest }) => digest);
}

function keptText({ rows }: ManifestsPlan): string {
  const [row] = rows;
  const why =
    row?.keptBy === 'tag'
      ? `it has the tag ${row.keptFor ?? ''}`
      : `the index ${shortDigest(row?.keptFor ?? '')} lists it; delete that first`;
  return rows.length === 1
    ? `${shortDigest(row?.digest ?? '')} cannot be deleted: ${why}.`
    : `None of these ${formatCount(rows.length)} can be deleted: tags mean them, or indexes list them.`;
}

function nameOf(digests: readonly string[]): string {
  const [digest = ''] = digests;
  return digests.length === 1 ? shortDigest(digest) : formatPlural(digests.length, 'manifest');
}
