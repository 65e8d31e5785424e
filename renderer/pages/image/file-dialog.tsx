import type { FileRow } from '../../../registry/spec/admin/image.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { Bytes } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { toastError } from '../../parts/toast.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { useAsk, useCall } from '../../state/calls.ts';
import { useDownload } from '../../state/download.ts';
import { TextBlock } from './text-block.tsx';
import styles from './image.module.css';

/** The text of one file of a layer. */
export function FileDialog({
  repository,
  digest,
  file,
  onClose,
}: {
  readonly repository: string;
  readonly digest: string;
  readonly file: FileRow;
  readonly onClose: () => void;
}) {
  const answer = useCall('layers.file', { repository, digest, path: file.path }, { keepsFormer: false });
  const ask = useAsk();
  const download = useDownload();
  const save = (asks: boolean): void =>
    void download(ask('layers.download', { repository, digest, path: file.path }), { asks }).catch(
      toastError,
    );
  return (
    <Dialog
      title={formatForeign(file.path)}
      size="large"
      onClose={onClose}
      buttons={<SaveButton onSave={save}>Download</SaveButton>}
    >
      <Loaded answer={answer} rows={4}>
        {({ text, encoding, size }) =>
          encoding === 'utf8' ? (
            <>
              <div className={styles['paneHead']}>
                <span className={styles['muted']}>
                  <Bytes value={size} />
                </span>
                <CopyButton text={text} label="Copy text" />
              </div>
              {text === '' ? (
                <p>The file is empty.</p>
              ) : (
                <TextBlock text={text} label={`Text of ${file.path}`} />
              )}
            </>
          ) : (
            <Notice kind="info">
              This is no text: <Bytes value={size} /> of other bytes. Download it to look into it.
            </Notice>
          )
        }
      </Loaded>
    </Dialog>
  );
}
