import { useState } from 'react';
import { parseTag } from '../../../registry/spec/names.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { useRefusal } from '../../state/refusal.ts';
import { usePointTag } from './point-tag.ts';

/** Asks for a further name of the digest. */
export function AddTagDialog({
  repository,
  digest,
  onClose,
}: {
  readonly repository: string;
  readonly digest: string;
  readonly onClose: () => void;
}) {
  const [tag, setTag] = useState('');
  const [isRunning, setRunning] = useState(false);
  const pointTag = usePointTag();
  const isTag = parseTag(tag) !== undefined;
  const refusal = useRefusal(repository);
  const isWaiting = isRunning || refusal !== undefined;
  const add = async (): Promise<void> => {
    if (!isTag || isWaiting) return;
    setRunning(true);
    if (await pointTag({ repository, tag, digest, done: `${repository}:${tag} is a tag of this image` }))
      onClose();
    setRunning(false);
  };
  return (
    <Dialog
      title="Add a tag"
      size="medium"
      onClose={onClose}
      buttons={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="primary" isDisabled={!isTag} isPending={isWaiting} onPress={() => void add()}>
            Add tag
          </Button>
        </>
      }
    >
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <TextInput
          label="Tag"
          value={tag}
          onChange={setTag}
          isCode
          autoFocus
          autoComplete="off"
          help="A tag that is there already moves here. You can undo that."
          {...(tag === '' || isTag
            ? {}
            : {
                error:
                  'Letters, digits, dots, dashes and underscores; the first is a letter, digit or underscore.',
              })}
        />
      </form>
      <CliLine command={`berth tag ${repository}:${isTag ? tag : 'TAG'} ${digest}`} />
    </Dialog>
  );
}
