import { useCallback } from 'react';
import type { MoveRow } from '../../../registry/spec/admin/content.ts';
import { shortDigest } from '../../format.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';

const pageRows = 500;

/**
 * Lets a tag mean again what it meant before a move or a delete. A delete is taken back from the trash, so that it is no
 * longer there; what the trash does not have is set, as long as the manifest exists.
 */
export function useRollback(
  repository: string,
): (row: MoveRow, present: string | undefined) => Promise<void> {
  const ask = useAsk();
  return useCallback(
    async ({ tag, from, kind }, present) => {
      if (from === undefined) return;
      try {
        const entry = kind === 'delete' && present === undefined ? await findInTrash(tag, from) : undefined;
        if (entry === undefined) await ask('tags.set', { repository, tag, digest: from });
        else await ask('trash.restore', { id: entry });
        toast({
          text: `${tag} means ${shortDigest(from)} again`,
          undo: () =>
            present === undefined
              ? ask('tags.delete', { repository, tag })
              : ask('tags.set', { repository, tag, digest: present }),
        });
      } catch (error) {
        toastError(error);
      }

      async function findInTrash(name: string, digest: string): Promise<string | undefined> {
        let after: string | undefined;
        do {
          const { rows, next } = await ask('trash.list', { limit: pageRows, after });
          const found = rows.find(
            (each) => each.repository === repository && each.digest === digest && each.tags.includes(name),
          );
          if (found !== undefined) return found.id;
          after = next;
        } while (after !== undefined);
        return undefined;
      }
    },
    [ask, repository],
  );
}
