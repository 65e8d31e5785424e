import { useState } from 'react';
import { parseDigest } from '../../../registry/spec/digest.ts';
import { parseRepoName, parseTag } from '../../../registry/spec/names.ts';
import { formatReference } from '../../format.ts';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { CheckboxInput, TextInput } from '../../parts/field.tsx';
import { toast } from '../../parts/toast.tsx';
import { useAsk } from '../../state/calls.ts';
import styles from './repository.module.css';

interface Source {
  readonly repository: string;
  /** A tag or a digest; empty where it is to be asked for. */
  readonly reference: string;
}

/** Asks where to, and copies an image there, inside of the registry. */
export function openCopyImage(source: Source): void {
  void openDialog((close) => <CopyImage source={source} onClose={close} />);
}

function CopyImage({ source, onClose }: { readonly source: Source; readonly onClose: () => void }) {
  const ask = useAsk();
  const [reference, setReference] = useState(source.reference);
  const [repository, setRepository] = useState(source.repository);
  const [tag, setTag] = useState(source.reference.includes(':') ? '' : source.reference);
  const [withReferrers, setWithReferrers] = useState(true);
  const isReference = parseTag(reference) !== undefined || parseDigest(reference) !== undefined;
  const isRepository = parseRepoName(repository) !== undefined;
  const isTag = parseTag(tag) !== undefined;
  const isSame = repository === source.repository && tag === reference;

  async function copy(): Promise<void> {
    const done = await ask('images.copy', {
      from: { repository: source.repository, reference },
      to: { repository, tag },
      withReferrers,
    });
    toast({ text: `Copied to ${done.repository}:${done.tag}` });
  }

  const from = formatReference(source.repository, isReference ? reference : 'TAG');
  const to = `${isRepository ? repository : 'REPOSITORY'}:${isTag ? tag : 'TAG'}`;
  return (
    <ConfirmDialog
      title="Copy to"
      look="primary"
      verb="Copy"
      cli={`berth copy ${from} ${to}${withReferrers ? '' : ' --no-referrers'}`}
      isDisabled={!isReference || !isRepository || !isTag || isSame}
      act={copy}
      onClose={onClose}
    >
      <p>All platforms are copied; layers are shared, and take no more room.</p>
      {source.reference === '' ? (
        <TextInput
          label="What"
          help={`A tag or a digest of ${source.repository}`}
          value={reference}
          onChange={setReference}
          isCode
          autoFocus
        />
      ) : (
        <p>
          From <code className={styles['wrap']}>{from}</code>
        </p>
      )}
      <TextInput
        label="Repository"
        value={repository}
        onChange={setRepository}
        isCode
        autoFocus={source.reference !== ''}
        error={
          repository === '' || isRepository
            ? undefined
            : 'Lower-case letters, digits and single . _ - between them, in parts joined by /.'
        }
      />
      <TextInput
        label="Tag"
        value={tag}
        onChange={setTag}
        isCode
        error={tag === '' || isTag ? undefined : 'Letters, digits, _ . and -, not beginning with . or -.'}
      />
      <CheckboxInput isSelected={withReferrers} onChange={setWithReferrers}>
        Signatures and what else is attached, too
      </CheckboxInput>
    </ConfirmDialog>
  );
}
