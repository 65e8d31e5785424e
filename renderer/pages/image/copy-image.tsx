import { type KeyboardEvent, useState } from 'react';
import { parseRepoName, parseTag } from '../../../registry/spec/names.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { CheckboxInput, TextInput } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { formatPlural, formatReference } from '../../format.ts';
import { sentencesOf } from '../../messages.ts';
import { useAsk, useRun } from '../../state/calls.ts';
import { useRefusal } from '../../state/refusal.ts';
import styles from './image.module.css';

/** Asks where an image shall be, too. Nothing is uploaded: both names share the bytes. */
export function CopyDialog({
  repository,
  reference,
  onClose,
}: {
  readonly repository: string;
  readonly reference: string;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const [target, setTarget] = useState(repository);
  const [tag, setTag] = useState(reference.includes(':') ? '' : reference);
  const [withReferrers, setWithReferrers] = useState(true);
  const isName = parseRepoName(target) !== undefined;
  const isTag = parseTag(tag) !== undefined;
  const isSame = target === repository && tag === reference;
  const refusal = useRefusal(isName ? target : repository);
  const {
    isPending: isRunning,
    error,
    run,
  } = useRun(async () => {
    const to = { repository: target, tag };
    const { from, manifests } = await ask('images.copy', {
      from: { repository, reference },
      to,
      withReferrers,
    });
    toast({
      text: `Copied to ${target}:${tag} (${formatPlural(manifests, 'manifest')})`,
      undo: () => (from === undefined ? ask('tags.delete', to) : ask('tags.set', { ...to, digest: from })),
    });
    onClose();
  });
  const copy = (): void => {
    if (isName && isTag && !isSame && !isRunning && refusal === undefined) void run(undefined);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) copy();
  };
  const source = formatReference(repository, reference);
  return (
    <Dialog
      title="Copy to another name"
      onClose={onClose}
      isDismissable={!isRunning}
      buttons={
        <>
          <Button isDisabled={isRunning} onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isDisabled={!isName || !isTag || isSame}
            isPending={isRunning || refusal !== undefined}
            onPress={copy}
          >
            Copy
          </Button>
        </>
      }
    >
      <p>
        <code>{source}</code> with all its platforms gets a further name in this registry. The bytes are
        shared, so it takes next to no room.
      </p>
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      <div className={styles['fields']} onKeyDown={onKeyDown}>
        <TextInput
          label="Repository"
          value={target}
          onChange={setTarget}
          isCode
          autoFocus
          autoComplete="off"
          {...(isName
            ? {}
            : { error: 'Lower-case letters, digits and . _ - / between them, such as team/api.' })}
        />
        <TextInput
          label="Tag"
          value={tag}
          onChange={setTag}
          isCode
          autoComplete="off"
          help={isSame ? 'That is this image.' : 'A tag that is there already moves. You can undo that.'}
          {...(tag === '' || isTag ? {} : { error: 'Letters, digits, dots, dashes and underscores.' })}
        />
      </div>
      <CheckboxInput isSelected={withReferrers} onChange={setWithReferrers}>
        With its signatures and other attached things
      </CheckboxInput>
      <CliLine
        command={`berth copy ${source} ${isName ? target : 'REPOSITORY'}:${isTag ? tag : 'TAG'}${withReferrers ? '' : ' --no-referrers'}`}
      />
      {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
    </Dialog>
  );
}
