import { useState } from 'react';
import type { DataRow, MovePlan } from '../../../main/contract/data.ts';
import type { Shell } from '../../api/shell.ts';
import { formatBytes, formatPlural } from '../../format.ts';
import { sentencesOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { ConfirmDialog, Dialog, openDialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Bytes, Facts } from '../../parts/values.tsx';
import { shellLine } from '../../shell.ts';
import styles from './storage.module.css';

/** Asks for a folder, and shows what moving the data there would do. */
export async function openMove(shell: Shell): Promise<void> {
  await openPlan(shell, true);
}

/** Asks for a folder that the registry begins in, before anything is stored. */
export async function openOtherFolder(shell: Shell): Promise<void> {
  await openPlan(shell, false);
}

async function openPlan(shell: Shell, isCopied: boolean): Promise<void> {
  try {
    const plan = await shell.call('data.plan', { isCopied });
    if (plan === undefined) return;
    await openDialog((close) => <PlanSheet shell={shell} plan={plan} isCopied={isCopied} onClose={close} />);
  } catch (error) {
    toastError(error);
  }
}

function PlanSheet({
  shell,
  plan,
  isCopied,
  onClose,
}: {
  readonly shell: Shell;
  readonly plan: MovePlan;
  readonly isCopied: boolean;
  readonly onClose: () => void;
}) {
  const [isActing, setActing] = useState(false);
  const [error, setError] = useState<unknown>();
  const { id, from, to, files, bytes, freeBytes, warnings, transfers, isUsed, isFromDropped } = plan;
  const act = async (): Promise<void> => {
    setActing(true);
    try {
      await shell.call('data.carryOut', { plan: id });
      onClose();
      if (!isCopied) toast({ text: `The registry uses ${to}` });
    } catch (thrown) {
      setError(thrown);
      setActing(false);
    }
  };
  return (
    <Dialog
      title={isCopied ? 'Move the data of the registry?' : 'Use another folder?'}
      size="large"
      role="alertdialog"
      isDismissable={!isActing}
      onClose={onClose}
      buttons={
        error === undefined ? (
          <>
            <Button autoFocus isDisabled={isActing} onPress={onClose}>
              Not now
            </Button>
            <Button look="primary" isPending={isActing} onPress={() => void act()}>
              {isCopied ? `Move ${formatBytes(bytes)}` : 'Use this folder'}
            </Button>
          </>
        ) : (
          <Button look="primary" autoFocus onPress={onClose}>
            Close
          </Button>
        )
      }
    >
      {warnings.map((warning) => (
        <Notice key={warning} kind="warn">
          {warning}
        </Notice>
      ))}
      <Facts
        rows={[
          [
            'From',
            <code key="from" className={styles['name']}>
              {from}
            </code>,
          ],
          [
            'To',
            <code key="to" className={styles['name']}>
              {to}
            </code>,
          ],
          ['How much', isCopied && `${formatBytes(bytes)} in ${formatPlural(files, 'file')}`],
          ['Free there', <Bytes key="free" value={freeBytes} />],
          ['Effect', isCopied ? effectOf(transfers) : beginningOf(isUsed)],
          [
            'Safety',
            isCopied
              ? 'Each file is read again and compared. The old folder is in use until all of the new one is on the disk, and is kept until you delete it.'
              : isFromDropped
                ? 'The present folder, which was begun a moment ago, is deleted again.'
                : 'The present folder is kept until you delete it: Storage shows it.',
          ],
          [
            'Elsewhere',
            <span key="elsewhere">
              The app remembers the new folder. <code>berth</code> on the command line has to be told, by{' '}
              <code>--data</code> or <code>BERTH_DATA</code>.
            </span>,
          ],
        ]}
      />
      {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
      <CliLine command={shellLine('berth', 'status', '--data', to)} />
    </Dialog>
  );
}

function effectOf(transfers: number): string {
  const ending =
    transfers === 0 ? '' : ` ${formatPlural(transfers, 'transfer')} at present: half a minute to end.`;
  return `The registry stops while it is copied: nobody can push or pull.${ending} You can cancel.`;
}

function beginningOf(isUsed: boolean): string {
  return isUsed
    ? 'There is a data directory of a registry already: it is used as it is, with its users and its certificate.'
    : 'The registry begins anew there: another certificate, another first password.';
}

/** Goes back to the folder before, or forth again. */
export function openUseOther(shell: Shell, path: string): void {
  void openDialog((close) => (
    <ConfirmDialog
      title="Use the other copy?"
      verb="Use the other copy"
      look="primary"
      act={() => shell.call('data.useOther', {})}
      onClose={close}
    >
      <p>
        The registry stops, and starts with <code className={styles['name']}>{path}</code>. What was pushed or
        changed since the move is in the present folder only, and stays there.
      </p>
    </ConfirmDialog>
  ));
}

/** Deletes the copy that is not used. */
export function openRemoveOther(shell: Shell, { path, bytes, isGone }: NonNullable<DataRow['other']>): void {
  void openDialog((close) => (
    <ConfirmDialog
      title={isGone ? 'Forget the other copy?' : 'Delete the other copy?'}
      verb={isGone ? 'Forget it' : `Delete ${formatBytes(bytes)}`}
      act={() => shell.call('data.removeOther', {})}
      onClose={close}
    >
      <p>
        <code className={styles['name']}>{path}</code>{' '}
        {isGone
          ? 'is not looked at any more; should it come back, it is not deleted.'
          : 'is deleted for good: what of it is the registry’s. Files of others in that folder stay.'}
      </p>
    </ConfirmDialog>
  ));
}
