import { useCallback } from 'react';
import type { TrashRow } from '../../../registry/spec/admin/content.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { shortDigest } from '../../format.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';
import { sayRefusal, useRefusal } from '../../state/refusal.ts';

const pageRows = 500;

export interface Rollback {
  readonly tag: string;
  /** What it shall mean again. */
  readonly digest: string;
  /** What it means; `undefined` where it is deleted. */
  readonly present: string | undefined;
}

/**
 * Lets a tag mean again what it meant before a move or a delete. A deleted tag is taken back from the trash, so that it is
 * no longer there, and so is a manifest that was deleted; else the tag is set.
 */
export function useRollback(repository: string): (act: Rollback) => Promise<void> {
  const ask = useAsk();
  const refusal = useRefusal(repository);
  return useCallback(
    async ({ tag, digest, present }) => {
      if (sayRefusal(refusal)) return;
      try {
        const deleted =
          present === undefined ? await findInTrash((row) => row.tags.includes(tag)) : undefined;
        if (deleted === undefined) await setTag();
        else await ask('trash.restore', { id: deleted.id });
        toast({
          text: `${tag} means ${shortDigest(digest)} again`,
          undo: () =>
            present === undefined
              ? ask('tags.delete', { repository, tag })
              : ask('tags.set', { repository, tag, digest: present }),
        });
      } catch (error) {
        toastError(error);
      }

      async function setTag(): Promise<void> {
        try {
          await ask('tags.set', { repository, tag, digest });
        } catch (error) {
          const isGone = isAppError(error, 'MANIFEST_UNKNOWN') || isAppError(error, 'NAME_UNKNOWN');
          const entry = isGone ? await findInTrash(() => true) : undefined;
          if (entry === undefined) throw error;
          await ask('trash.restore', { id: entry.id });
          await ask('tags.set', { repository, tag, digest });
        }
      }

      async function findInTrash(isWanted: (row: TrashRow) => boolean): Promise<TrashRow | undefined> {
        let after: string | undefined;
        do {
          const { rows, next } = await ask('trash.list', { limit: pageRows, after });
          const found = rows.find(
            (row) => row.repository === repository && row.digest === digest && isWanted(row),
          );
          if (found !== undefined) return found;
          after = next;
        } while (after !== undefined);
        return undefined;
      }
    },
    [ask, repository, refusal],
  );
}
