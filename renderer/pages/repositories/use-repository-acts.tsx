import type { KeyboardEvent } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { copyText } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import type { MenuEntry } from '../../parts/menu.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { navigate } from '../../route.ts';
import { clientFor, getSnippet } from '../../snippets.ts';
import { useAddress } from '../../state/address.ts';
import { useAsk } from '../../state/calls.ts';
import { preferences } from '../../state/preferences.ts';
import { openExport } from '../transfer/open-transfer.tsx';
import { DeleteRepository } from './delete-repository.tsx';

export interface RepositoryActs {
  copyName(repository: string): void;
  /** Does something with the tag that was pushed last; says so where there is none. */
  withNewest(repository: string, then: (newest: TagRow) => unknown): Promise<void>;
  menuOf(repository: string): readonly MenuEntry[];
  /** True if the key was for the repository. */
  onKey(event: KeyboardEvent, repository: string): boolean;
}

/** What is done with a repository as a whole, by keys and in menus. */
export function useRepositoryActs(): RepositoryActs {
  const ask = useAsk();
  const address = useAddress();

  const copyName = (repository: string): void =>
    void copyText(`${address}/${repository}`, 'Reference copied');
  const withNewest = async (repository: string, then: (newest: TagRow) => unknown): Promise<void> => {
    try {
      const { rows } = await ask('tags.list', { repository, q: '-is:fallback', limit: 1 });
      const [newest] = rows;
      if (newest === undefined) toast({ kind: 'error', text: `${repository} has no tag to pull.` });
      else then(newest);
    } catch (error) {
      toastError(error);
    }
  };
  const copyPull = (repository: string): void =>
    void withNewest(repository, ({ tag, kind }) => {
      const client = clientFor(kind, preferences().client);
      return copyText(
        getSnippet({ address, repository, reference: tag, client }),
        `Pull command of ${tag} copied`,
      );
    });
  const copyDigest = (repository: string): void =>
    void withNewest(repository, ({ tag, digest }) => copyText(digest, `Digest of ${tag} copied`));
  const remove = (repository: string): void =>
    void openDialog((close) => <DeleteRepository repository={repository} onClose={close} />);

  return {
    copyName,
    withNewest,
    menuOf: (repository) => [
      {
        id: 'open',
        label: 'Open',
        keys: 'Enter',
        act: () => navigate({ page: 'repository', repository }),
      },
      {
        id: 'reference',
        label: 'Copy reference',
        keys: 'y',
        act: () => copyName(repository),
      },
      { id: 'pull', label: 'Copy pull command', keys: 'Y', act: () => copyPull(repository) },
      { id: 'digest', label: 'Copy digest of the newest tag', keys: 'd', act: () => copyDigest(repository) },
      { id: 'export', label: 'Export…', keys: 'e', act: () => openExport([repository]) },
      {
        id: 'delete',
        label: 'Delete',
        keys: 'Delete',
        isDanger: true,
        act: () => remove(repository),
      },
    ],
    onKey(event, repository) {
      const act = {
        y: copyName,
        Y: copyPull,
        d: copyDigest,
        e: (name: string) => openExport([name]),
        Delete: remove,
        Backspace: event.metaKey ? remove : undefined,
      }[event.key];
      if (act === undefined || event.ctrlKey || event.altKey) return false;
      act(repository);
      return true;
    },
  };
}
