import { useState } from 'react';
import { parseTag } from '../../../registry/spec/names.ts';
import { shortDigest } from '../../format.ts';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Digest } from '../../parts/values.tsx';
import { useAsk, useCall } from '../../state/calls.ts';

interface Target {
  readonly repository: string;
  readonly digest: string;
}

/** Asks for a name, and points that tag at the manifest. */
export function openAddTag(target: Target): void {
  void openDialog((close) => <AddTag {...target} onClose={close} />);
}

function AddTag({ repository, digest, onClose }: Target & { readonly onClose: () => void }) {
  const ask = useAsk();
  const [tag, setTag] = useState('');
  const isTag = parseTag(tag) !== undefined;
  const { data } = useCall(
    'tags.list',
    { repository, q: `:${tag}`, limit: 1 },
    { isWanted: isTag, keepsFormer: false },
  );
  const former = isTag ? data?.rows.find((row) => row.tag === tag) : undefined;
  const isSame = former?.digest === digest;

  async function add(): Promise<void> {
    const { from } = await ask('tags.set', { repository, tag, digest });
    toast({
      text: `${tag} means ${shortDigest(digest)}`,
      undo: () =>
        from === undefined
          ? ask('tags.delete', { repository, tag })
          : ask('tags.set', { repository, tag, digest: from }),
    });
  }

  return (
    <ConfirmDialog
      title="Add a tag"
      look="primary"
      verb={former === undefined || isSame ? 'Add tag' : 'Move tag'}
      cli={`berth tag ${repository}:${isTag ? tag : 'TAG'} ${digest}`}
      isDisabled={!isTag || isSame}
      act={add}
      onClose={onClose}
    >
      <p>
        It will mean <Digest value={digest} />, beside the tags that do so already.
      </p>
      <TextInput
        label="Tag"
        value={tag}
        onChange={setTag}
        isCode
        autoFocus
        error={
          tag === '' || isTag
            ? undefined
            : 'A tag has letters, digits, _ . and -, does not begin with . or -, and has 128 characters at most.'
        }
      />
      {isSame && <Notice kind="info">It means this already.</Notice>}
      {former !== undefined && !isSame && (
        <Notice kind="warn">
          It means <Digest value={former.digest} /> now. The history can take it back.
        </Notice>
      )}
    </ConfirmDialog>
  );
}
