import { copyText } from '../../parts/copy.tsx';
import type { MenuEntry } from '../../parts/menu.tsx';
import { type ClientId, clients, getSnippet } from '../../snippets.ts';
import { setPreferences } from '../../state/preferences.ts';

/** What each client needs to get the image, by its tag and by its digest. The client that was copied for last comes first next time. */
export function copyEntries({
  address,
  repository,
  tag,
  digest,
}: {
  readonly address: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}): readonly MenuEntry[] {
  const copy = (client: ClientId, reference: string): void => {
    setPreferences({ client });
    void copyText(getSnippet({ address, repository, reference, client }), 'Copied');
  };
  const entriesFor = (section: string, reference: string): readonly MenuEntry[] =>
    clients.map(({ id, label }) => ({
      id: `${id} ${reference}`,
      label,
      section,
      act: () => copy(id, reference),
    }));
  return [...entriesFor('By tag', tag), ...entriesFor('By digest', digest)];
}
