import { FolderOpen, FolderSymlink } from 'lucide-react';
import type { DataMove, DataRow } from '../../../main/contract/data.ts';
import type { Shell } from '../../api/shell.ts';
import { formatBytes, formatCount } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { Progress } from '../../parts/charts.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toastError } from '../../parts/toast.tsx';
import { Facts } from '../../parts/values.tsx';
import { useShellCall } from '../../state/shell.ts';
import { openMove, openRemoveOther, openUseOther } from './move-data.tsx';
import styles from './storage.module.css';

/** Where the data of the registry is, and what moves it; it does not need a registry that runs. */
export function LocationPanel({ shell }: { readonly shell: Shell }) {
  const data = useShellCall('data.get', {});
  return (
    <Panel title="Data directory">
      <Loaded answer={data} rows={2}>
        {(row) => <Location shell={shell} row={row} />}
      </Loaded>
    </Panel>
  );
}

function Location({ shell, row }: { readonly shell: Shell; readonly row: DataRow }) {
  const { path, fixedBy, other, move, failure } = row;
  return (
    <>
      <Facts
        rows={[
          [
            'Folder',
            <span key="folder" className={styles['location']}>
              <code>{path}</code>
              <CopyButton text={path} label="Copy data directory" />
              <Button
                icon={<FolderOpen />}
                onPress={() => void shell.call('files.reveal', { id: 'data' }).catch(toastError)}
              >
                Show in folder
              </Button>
              {fixedBy === undefined && other === undefined && move === undefined && (
                <Button icon={<FolderSymlink />} onPress={() => void openMove(shell)}>
                  Move…
                </Button>
              )}
            </span>,
          ],
          ['Fixed by', fixedBy && `${fixedBy}: change it there`],
        ]}
      />
      {move !== undefined && <Moving shell={shell} move={move} />}
      {failure !== undefined && (
        <Notice
          kind="error"
          actions={
            <Button onPress={() => void shell.call('data.forgetFailure', {}).catch(toastError)}>OK</Button>
          }
        >
          <strong>The data was not moved. {failure.message}</strong> {failure.hint} Everything is as it was.
        </Notice>
      )}
      {other !== undefined && move === undefined && <Other shell={shell} other={other} />}
    </>
  );
}

const steps: Readonly<Record<DataMove['step'], string>> = {
  stopping: 'Transfers end, and the registry stops',
  copying: 'Copying and comparing',
  clearing: 'Taking back what was copied',
  starting: 'The registry starts there',
  removing: 'Deleting',
};

function Moving({ shell, move }: { readonly shell: Shell; readonly move: DataMove }) {
  const { step, to, doneFiles, files, doneBytes, bytes } = move;
  const label = `${steps[step]}: ${to}`;
  const isCopy = step === 'copying';
  return (
    <div className={styles['moving']} role="status">
      <span className={styles['name']}>{label}</span>
      <Progress done={doneBytes} total={isCopy ? bytes : undefined} label={label} />
      <span className={styles['movingFoot']}>
        {isCopy &&
          `${formatBytes(doneBytes)} of ${formatBytes(bytes)}, ${formatCount(doneFiles)} of ${formatCount(files)} files`}
        {(isCopy || step === 'stopping') && (
          <Button onPress={() => void shell.call('data.cancel', {}).catch(toastError)}>Cancel</Button>
        )}
      </span>
    </div>
  );
}

function Other({ shell, other }: { readonly shell: Shell; readonly other: NonNullable<DataRow['other']> }) {
  const { path, bytes, isGone } = other;
  return (
    <Notice
      kind="info"
      actions={
        <>
          {!isGone && <Button onPress={() => openUseOther(shell, path)}>Use it again…</Button>}
          <Button onPress={() => openRemoveOther(shell, other)}>
            {isGone ? 'Forget it…' : 'Delete it…'}
          </Button>
        </>
      }
    >
      {isGone ? (
        <>
          The other copy, <code className={styles['name']}>{path}</code>, is not there: on a disk that is not
          connected, or removed.
        </>
      ) : (
        <>
          A copy that is not used, {formatBytes(bytes)}, is kept until you delete it:{' '}
          <code className={styles['name']}>{path}</code>
        </>
      )}
    </Notice>
  );
}
