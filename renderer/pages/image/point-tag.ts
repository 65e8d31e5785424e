import { useCallback } from 'react';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';

export interface PointTag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** What the toast says then. */
  readonly done: string;
}

/** Points a tag at a manifest, and offers to take that back. Answers whether it went well. */
export function usePointTag(): (act: PointTag) => Promise<boolean> {
  const ask = useAsk();
  return useCallback(
    async ({ repository, tag, digest, done }) => {
      try {
        const { from } = await ask('tags.set', { repository, tag, digest });
        toast({
          text: done,
          undo: () =>
            from === undefined
              ? ask('tags.delete', { repository, tag })
              : ask('tags.set', { repository, tag, digest: from }),
        });
        return true;
      } catch (error) {
        toastError(error);
        return false;
      }
    },
    [ask],
  );
}
