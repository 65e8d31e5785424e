import { CopyPlus, Diff, Ellipsis, FileOutput, Tag, Terminal, Trash2 } from 'lucide-react';
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { Menu } from '../../parts/menu.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { formatReference } from '../../format.ts';
import { hrefOf, navigate } from '../../route.ts';
import { clientFor, getSnippet } from '../../snippets.ts';
import { useAddress } from '../../state/address.ts';
import { useAsk, useGuess } from '../../state/calls.ts';
import { usePreferences } from '../../state/preferences.ts';
import { sayRefusal, useRefusal } from '../../state/refusal.ts';
import { ChooseTag } from '../compare/choose-tag.tsx';
import { openExport } from '../transfer/open-transfer.tsx';
import { AddTagDialog } from './add-tag.tsx';
import { CopyDialog } from './copy-image.tsx';

export interface ImageActionsProps {
  readonly reference: string;
  readonly detail: ImageDetail;
  /** It was deleted since: only what needs no image is offered. */
  readonly isGone: boolean;
}

/** What can be done with the image that is shown. */
export function ImageActions({ reference, detail, isGone }: ImageActionsProps) {
  const { repository, digest, kind, tags } = detail;
  const address = useAddress();
  const { client } = usePreferences();
  const deleteTag = useDeleteTag();
  const refusal = useRefusal(repository);
  /** Says why it is refused, instead of asking. */
  const unlessRefused = (act: () => void) => (): void => {
    if (!sayRefusal(refusal)) act();
  };
  const isTag = !reference.includes(':');
  const name = formatReference(repository, reference);
  const full = `${address}/${name}`;
  const copyPull = (): void =>
    void copyText(
      getSnippet({ address, repository, reference, client: clientFor(kind, client) }),
      'Pull command copied',
    );
  const compare = (): void =>
    void openDialog((close) => (
      <ChooseTag
        title={`Compare ${name} with`}
        repository={repository}
        without={reference}
        onClose={close}
        onChoose={(other) => navigate({ page: 'compare', repository, a: other, b: reference })}
      />
    ));
  const addTag = (): void =>
    void openDialog((close) => <AddTagDialog repository={repository} digest={digest} onClose={close} />);
  const copyTo = (): void =>
    void openDialog((close) => <CopyDialog repository={repository} reference={reference} onClose={close} />);
  const remove = (): void => void deleteTag(repository, reference, tags);

  useShortcuts([
    {
      keys: ['y'],
      label: 'Copy the reference',
      group: 'Image',
      run: () => void copyText(full, 'Reference copied'),
    },
    { keys: ['Y'], label: 'Copy the pull command', group: 'Image', run: copyPull },
    {
      keys: ['d'],
      label: 'Copy the digest',
      group: 'Image',
      run: () => void copyText(digest, 'Digest copied'),
    },
    ...(isGone
      ? []
      : [
          { keys: ['m'], label: 'Compare with another tag', group: 'Image', run: compare },
          { keys: ['a'], label: 'Add a tag', group: 'Image', run: unlessRefused(addTag) },
          { keys: ['e'], label: 'Export into a file', group: 'Image', run: () => openExport([name]) },
          { keys: ['C'], label: 'Copy to another name', group: 'Image', run: copyTo },
          ...(isTag
            ? [
                {
                  keys: ['delete', 'mod+backspace'],
                  label: 'Delete the tag',
                  group: 'Image',
                  run: unlessRefused(remove),
                },
              ]
            : []),
        ]),
  ]);

  return (
    <>
      <Button icon={<Terminal />} onPress={copyPull}>
        Copy pull
      </Button>
      {!isGone && (
        <Button icon={<Diff />} onPress={compare}>
          Compare with…
        </Button>
      )}
      <Menu
        label="More acts"
        button={
          <IconButton label="More acts">
            <Ellipsis />
          </IconButton>
        }
        entries={[
          {
            id: 'reference',
            label: 'Copy reference',
            keys: 'y',
            act: () => void copyText(full, 'Reference copied'),
          },
          ...(isGone
            ? []
            : [
                { id: 'tag', label: 'Add tag…', icon: <Tag />, keys: 'a', refusal, act: addTag },
                { id: 'copy', label: 'Copy to…', icon: <CopyPlus />, keys: 'C', act: copyTo },
                {
                  id: 'export',
                  label: 'Export…',
                  icon: <FileOutput />,
                  keys: 'e',
                  act: () => openExport([name]),
                },
                ...(isTag
                  ? [
                      {
                        id: 'delete',
                        label: 'Delete tag',
                        icon: <Trash2 />,
                        keys: 'Delete',
                        isDanger: true,
                        refusal,
                        act: remove,
                      },
                    ]
                  : []),
              ]),
        ]}
      />
    </>
  );
}

/** Deletes a tag and leaves its screen at once; both are taken back if the registry refuses. */
function useDeleteTag() {
  const ask = useAsk();
  const guess = useGuess();
  return async (repository: string, tag: string, tags: ImageDetail['tags']): Promise<void> => {
    const here = location.hash;
    const takeBack = guess('tags.list', (rows) =>
      (rows as readonly TagRow[]).filter((row) => row.repository !== repository || row.tag !== tag),
    );
    navigate({ page: 'repository', repository });
    try {
      const { trash } = await ask('tags.delete', { repository, tag });
      const others = tags.filter((other) => other.tag !== tag).map((other) => other.tag);
      toast({
        text: `Deleted ${repository}:${tag}.${stays(others)}`,
        undo: () => ask('trash.restore', { id: trash }),
      });
    } catch (error) {
      takeBack();
      // Unless somebody went on meanwhile.
      if (location.hash === hrefOf({ page: 'repository', repository })) navigate(here, { replace: true });
      toastError(error);
    }
  };
}

function stays(others: readonly string[]): string {
  if (others.length === 0) return '';
  const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
  return ` The digest stays: also ${others.slice(0, 3).join(', ')}${more}.`;
}
