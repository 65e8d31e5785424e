import { useEffect, useRef, useState } from 'react';
import { parseImageReference } from '../../../registry/spec/image-reference.ts';
import { formatBytes, formatPlural } from '../../format.ts';
import { sentencesOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { useDownload } from '../../state/download.ts';
import { useShell } from '../../state/shell.ts';
import { fileNameOf, isPlatform } from './export-names.ts';
import { TaskProgress } from './task-progress.tsx';
import styles from './transfer.module.css';

const shownReferences = 6;

/** Asks what goes along and where to, and writes images into one file. */
export function ExportDialog({
  references,
  onClose,
}: {
  /** `team/app:1`, `team/app@sha256:…`, or a repository with all of its tags. */
  readonly references: readonly string[];
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const shell = useShell();
  const download = useDownload();
  const [platform, setPlatform] = useState('');
  const [since, setSince] = useState('');
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  const isFine =
    (platform === '' || isPlatform(platform)) && (since === '' || parseImageReference(since) !== undefined);
  const fileName = fileNameOf(references);
  const selection = {
    references: [...references],
    ...(platform === '' ? {} : { platform }),
    ...(since === '' ? {} : { since: [since] }),
  };

  const save = async (): Promise<void> => {
    if (shell === undefined) return await download(ask('bundles.download', selection));
    const target = await shell.call('files.chooseTarget', { fileName });
    if (target === undefined) return;
    setRunning(true);
    // The dialog of the system has asked before it gave the path of a file that is there.
    const { path, images, bytes } = await ask('bundles.export', {
      ...selection,
      path: target.path,
      overwrite: true,
    });
    toast({
      text: `Exported ${formatPlural(images, 'image')}, ${formatBytes(bytes)}, to ${path}`,
      action: {
        label: 'Show in folder',
        run: () => shell.call('files.reveal', { id: target.id }).catch(toastError),
      },
    });
    onClose();
  };
  const run = async (): Promise<void> => {
    setError(undefined);
    try {
      await save();
      if (shell === undefined) onClose();
    } catch (thrown) {
      if (isShown.current) setError(thrown);
      else toastError(thrown);
    }
    setRunning(false);
  };

  const more = references.length - shownReferences;
  return (
    <Dialog
      title={references.length === 1 ? `Export ${references[0]}` : `Export ${references.length} images`}
      onClose={onClose}
      buttons={
        <>
          <Button onPress={onClose}>{isRunning ? 'Continue in the background' : 'Cancel'}</Button>
          <Button
            look="primary"
            autoFocus
            isDisabled={!isFine}
            isPending={isRunning}
            onPress={() => void run()}
          >
            {shell === undefined ? 'Download' : 'Export…'}
          </Button>
        </>
      }
    >
      <p>
        One file with names, layers, signatures and other attached things, which Berth, Skopeo and Podman
        read; Docker does with images of one platform.
      </p>
      {references.length > 1 && (
        <ul className={styles['references']}>
          {references.slice(0, shownReferences).map((reference) => (
            <li key={reference}>
              <code>{reference}</code>
            </li>
          ))}
          {more > 0 && <li>and {more} more</li>}
        </ul>
      )}
      <TextInput
        label="Only this platform"
        value={platform}
        onChange={setPlatform}
        isCode
        isDisabled={isRunning}
        autoComplete="off"
        placeholder="all platforms"
        help="Such as linux/amd64: docker load takes one."
        {...(platform === '' || isPlatform(platform) ? {} : { error: 'Write linux/amd64 or linux/arm/v7.' })}
      />
      <TextInput
        label="Leave out what this image has"
        value={since}
        onChange={setSince}
        isCode
        isDisabled={isRunning}
        autoComplete="off"
        placeholder="nothing"
        help="Makes a difference, for a registry that has that image: team/app:1.4."
        {...(since === '' || parseImageReference(since) !== undefined
          ? {}
          : { error: 'Write repository:tag.' })}
      />
      {isRunning && <TaskProgress kind="export" label={`Exporting to ${fileName}`} />}
      {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
      <CliLine
        command={shellLine(
          'berth',
          'export',
          ...references,
          '-o',
          fileName,
          ...(platform === '' ? [] : ['--platform', platform]),
          ...(since === '' ? [] : ['--since', since]),
        )}
      />
    </Dialog>
  );
}
