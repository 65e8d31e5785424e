import { useState } from 'react';
import type { AdminResults } from '../../../registry/spec/admin-api.ts';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { type TabEntry, Tabs } from '../../parts/tabs.tsx';
import { useAddress } from '../../state/address.ts';
import { type Snippet, tokenSnippets } from './snippets.ts';
import styles from './access.module.css';

/** A token that was made, and what to do with it. It cannot be asked for again. */
export function TokenShown({
  token: { label, owner, text },
  onClose,
}: {
  readonly token: AdminResults['tokens.create'];
  readonly onClose: () => void;
}) {
  const address = useAddress();
  const [chosen, setChosen] = useState('docker');
  const snippets = tokenSnippets({ user: owner, secret: text, address });
  return (
    <Dialog
      title={label === '' ? 'The token' : `Token ${label}`}
      size="large"
      onClose={onClose}
      isDismissable={false}
      buttons={
        <Button look="primary" onPress={onClose}>
          Done
        </Button>
      }
    >
      <Notice kind="warn">
        It is shown this once. Copy it before you close this. It is used as the password of {owner}.
      </Notice>
      <CopyLine text={text} label="Copy token" />
      <Tabs label="Ways to use it" selected={chosen} onSelect={setChosen} tabs={snippets.map(tabOf)} />
    </Dialog>
  );
}

function tabOf(snippet: Snippet): TabEntry {
  return { id: snippet.id, label: snippet.label, content: () => <SnippetText snippet={snippet} /> };
}

function SnippetText({ snippet: { label, help, text } }: { readonly snippet: Snippet }) {
  return (
    <div className={styles['snippet']}>
      <p className={styles['help']}>{help}</p>
      <CopyLine text={text} label={`Copy for ${label}`} />
    </div>
  );
}
