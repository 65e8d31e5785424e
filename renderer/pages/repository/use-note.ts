import type { RepositoryNote } from '../../../registry/spec/admin/content.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';

/** Changes what is set for a repository, and says how that is taken back. */
export function useNote(
  repository: string,
): (change: RepositoryNote, former: RepositoryNote, text: string) => void {
  const ask = useAsk();
  return (change, former, text) =>
    void ask('repositories.set', { repository, ...change }).then(
      () =>
        toast({
          text,
          undo: async () => {
            await ask('repositories.set', { repository, ...former });
          },
        }),
      toastError,
    );
}

/** The other state of a repository that is read-only or not. */
export function otherWrites(
  repository: string,
  isReadOnly = false,
): readonly [change: RepositoryNote, former: RepositoryNote, text: string] {
  const text = isReadOnly ? `${repository} takes pushes again` : `${repository} is read-only`;
  return [{ isReadOnly: !isReadOnly }, { isReadOnly }, text];
}
