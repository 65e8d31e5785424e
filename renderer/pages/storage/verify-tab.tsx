import { useEffect, useState } from 'react';
import type { ScrubRun, ScrubStatus } from '../../../registry/spec/admin/integrity.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { formatBytes, formatCount, formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog, openDialog } from '../../parts/dialog.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Bytes, Chip, Facts, Time } from '../../parts/values.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { useAsk, useCall, useRefresh } from '../../state/calls.ts';
import { useRegistryRefusal } from '../../state/refusal.ts';
import { DamagedPanel } from './damaged-panel.tsx';
import { RunningTask } from './running-task.tsx';
import { SettingLink, SettingValue } from './setting.tsx';
import styles from './storage.module.css';

/** Whether what is stored is what was pushed. */
export function VerifyTab() {
  const status = useCall('scrub.status', {});
  const refresh = useRefresh();
  const isRunning = status.data?.isRunning;
  // A check takes what was healed off the list, and no event says so.
  useEffect(() => {
    if (isRunning === false) refresh('damaged.list');
  }, [isRunning, refresh]);
  return (
    <div className={styles['scroll']}>
      <Loaded answer={status} rows={5}>
        {(data) => <CheckPanel status={data} />}
      </Loaded>
      <DamagedPanel />
    </div>
  );
}

function CheckPanel({ status }: { readonly status: ScrubStatus }) {
  const { isRunning, current, last, nextAt } = status;
  const verify = useVerify();
  return (
    <Panel
      title="Check of all content"
      actions={
        !isRunning && (
          <>
            <WriteButton
              onPress={() => void openDialog((close) => <SomeDialog verify={verify} onClose={close} />)}
            >
              Check some…
            </WriteButton>
            <WriteButton look="primary" onPress={() => void verify([])}>
              {current === undefined ? 'Check everything' : 'Go on checking'}
            </WriteButton>
          </>
        )
      }
    >
      <p className={styles['muted']}>
        Reads what is stored and compares it with its digests. Pushes and pulls go on, and come first. By
        itself every <SettingValue path="berth.storage.scrub.interval" />, with at most{' '}
        <SettingValue path="berth.storage.scrub.rate" /> a second.
      </p>
      <RunningTask kind="scrub" />
      <Facts
        rows={[
          [
            'State',
            isRunning ? (
              <Chip key="value" tone="accent">
                Running
              </Chip>
            ) : current === undefined ? (
              'Not running'
            ) : (
              'Interrupted: it goes on later'
            ),
          ],
          [
            'Running since',
            isRunning && current !== undefined && <Time key="value" at={current.startedAt} />,
          ],
          ['Last', last === undefined ? 'Nothing was checked yet' : <LastRun key="value" run={last} />],
          [
            'Next',
            nextAt === undefined ? (
              <SettingLink key="value" path="berth.storage.scrub.enabled">
                Switched off
              </SettingLink>
            ) : (
              <Time key="value" at={nextAt} />
            ),
          ],
        ]}
      />
      <CliLine command="berth verify" />
    </Panel>
  );
}

function LastRun({ run }: { readonly run: ScrubRun }) {
  const { finishedAt, startedAt, blobs, bytes, danglingLinks } = run;
  return (
    <span>
      <Time at={finishedAt ?? startedAt} />: {formatPlural(blobs, 'blob')}, <Bytes value={bytes} />,{' '}
      {foundBy(run)}
      {danglingLinks > 0 &&
        `; ${formatPlural(danglingLinks, 'link')} to content that is gone and that nobody needs`}
    </span>
  );
}

function foundBy({ quarantined, missing, unlinked, unreadable }: ScrubRun): string {
  const parts = [
    [quarantined, 'with wrong bytes'],
    [missing, 'missing'],
    [unlinked, 'not linked'],
    [unreadable, 'not readable'],
  ] as const;
  const found = parts.filter(([count]) => count > 0).map(([count, word]) => `${formatCount(count)} ${word}`);
  return found.length === 0 ? 'all whole' : found.join(', ');
}

/** Checks everything, or some repositories. It goes on wherever the reader goes; a toast tells how it ended. */
function useVerify(): (repositories: readonly string[]) => Promise<void> {
  const ask = useAsk();
  const refresh = useRefresh();
  return async (repositories) => {
    try {
      const run = await ask('scrub.run', { repositories: [...repositories] });
      toast({
        text: `Checked ${formatPlural(run.blobs, 'blob')}, ${formatBytes(run.bytes)}: ${foundBy(run)}.`,
      });
    } catch (error) {
      if (isAppError(error, 'CANCELLED')) toast({ text: 'The check was cancelled.' });
      else toastError(error);
    } finally {
      refresh('scrub.status', 'damaged.list');
    }
  };
}

function SomeDialog({
  verify,
  onClose,
}: {
  readonly verify: (repositories: readonly string[]) => Promise<void>;
  readonly onClose: () => void;
}) {
  const [text, setText] = useState('');
  const refusal = useRegistryRefusal();
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  return (
    <Dialog
      title="Check some repositories"
      onClose={onClose}
      buttons={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <WriteButton
            look="primary"
            isDisabled={names.length === 0}
            onPress={() => {
              onClose();
              void verify(names);
            }}
          >
            {names.length === 0
              ? 'Check'
              : `Check ${formatPlural(names.length, 'repository', 'repositories')}`}
          </WriteButton>
        </>
      }
    >
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      <TextInput
        autoFocus
        isCode
        rows={4}
        label="Repositories"
        help="One a line. What they need is read, also where others share it."
        value={text}
        onChange={setText}
      />
      <CliLine command={`berth verify ${names.length === 0 ? 'team/app' : names.join(' ')}`} />
    </Dialog>
  );
}
