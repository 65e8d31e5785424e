import { Ban, CircleAlert, CircleCheck, Plus, Signature } from 'lucide-react';
import { useState } from 'react';
import type { WebhookRow, WebhookTest } from '../../../registry/spec/admin/webhooks.ts';
import { formatCount, formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import type { MenuEntry } from '../../parts/menu.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Chip, Time } from '../../parts/values.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { WebhookDialog } from './webhook-dialog.tsx';
import styles from './settings.module.css';

/** No event announces how many events wait: that is one for each push and pull. */
const countsEveryMs = 5000;

type Tests = Readonly<Record<string, WebhookTest | 'running' | undefined>>;

/** Who is told of pushes, pulls and deletes, and whether they could be reached. */
export function WebhooksPanel() {
  const answer = useCall('webhooks.list', {}, { everyMs: countsEveryMs });
  const [tests, setTests] = useState<Tests>({});
  const acts = useWebhookActs((name, test) => setTests((former) => ({ ...former, [name]: test })));
  return (
    <Panel
      title="Webhooks"
      actions={
        <Button icon={<Plus />} onPress={() => acts.edit(undefined)}>
          Add webhook
        </Button>
      }
    >
      <Loaded answer={answer} rows={3}>
        {(rows) => (
          <>
            <Grid
              label="Webhooks"
              columns={columnsOf(tests)}
              rows={rows}
              total={rows.length}
              keyOf={({ name }) => name}
              menuOf={(row) => entriesOf(row, acts)}
              onOpen={(row) => !row.isLocked && acts.edit(row)}
              isInline
              empty={
                <Empty title="Nobody is told">
                  <p>
                    A webhook is a request to a program of yours for every push, pull, mount and delete: to
                    start a build, a scan or a deployment.
                  </p>
                  <CopyLine
                    text="berth webhook add ci https://ci.example/hooks/registry"
                    label="Copy command"
                  />
                </Empty>
              }
            />
            {rows.map((row) => (
              <WebhookNotice key={row.name} row={row} test={tests[row.name]} />
            ))}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

interface WebhookActs {
  readonly edit: (row: WebhookRow | undefined) => void;
  readonly test: (row: WebhookRow) => Promise<void>;
  readonly toggle: (row: WebhookRow) => Promise<void>;
  readonly retry: (row: WebhookRow) => Promise<void>;
  readonly purge: (row: WebhookRow) => void;
  readonly remove: (row: WebhookRow) => void;
}

function useWebhookActs(
  onTest: (name: string, test: WebhookTest | 'running' | undefined) => void,
): WebhookActs {
  const ask = useAsk();
  return {
    edit: (row) => void openDialog((close) => <WebhookDialog row={row} onClose={close} />),
    async test({ name }) {
      onTest(name, 'running');
      try {
        onTest(name, await ask('webhooks.test', { name }));
      } catch (error) {
        onTest(name, undefined);
        toastError(error);
      }
    },
    async toggle({ name, state }) {
      const disabled = state !== 'disabled';
      try {
        await ask('webhooks.set', { name, disabled });
        toast({
          text: disabled ? `${name} is told nothing; events wait` : `${name} is told again`,
          undo: () => ask('webhooks.set', { name, disabled: !disabled }),
        });
      } catch (error) {
        toastError(error);
      }
    },
    async retry({ name }) {
      try {
        const { pending } = await ask('webhooks.retry', { name });
        toast({ text: `${formatPlural(pending, 'event')} for ${name}: tried now` });
      } catch (error) {
        toastError(error);
      }
    },
    purge: ({ name, pending }) =>
      void openDialog((close) => (
        <ConfirmDialog
          title={`Give up what waits for ${name}?`}
          verb={`Give up ${formatPlural(pending, 'event')}`}
          cli={shellLine('berth', 'webhook', 'purge', name)}
          act={() => ask('webhooks.purge', { name })}
          onClose={close}
        >
          <p>The receiver never hears of them. Events that happen from now on are told.</p>
        </ConfirmDialog>
      )),
    remove: ({ name, url, pending }) =>
      void openDialog((close) => (
        <ConfirmDialog
          title={`Remove the webhook ${name}?`}
          verb="Remove 1 webhook"
          cli={shellLine('berth', 'webhook', 'rm', name)}
          act={() => ask('webhooks.remove', { name })}
          onClose={close}
        >
          <p>
            <code>{url}</code> is told nothing any more
            {pending > 0 && `, and ${formatPlural(pending, 'event')} that wait are given up`}. Its secret and
            headers are forgotten.
          </p>
        </ConfirmDialog>
      )),
  };
}

function columnsOf(tests: Tests): readonly Column<WebhookRow>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(60px, 1fr)',
      cell: ({ name }) => (
        <span title={name}>
          <bdi>{name}</bdi>
        </span>
      ),
    },
    {
      id: 'url',
      title: 'Address',
      width: 'minmax(120px, 3fr)',
      cell: ({ url, headers, isSigned }) => (
        <>
          {isSigned && <Signature aria-label="Signed" className={styles['icon']} />}
          <code title={headers.length === 0 ? url : `${url}\nHeaders: ${headers.join(', ')}`}>{url}</code>
        </>
      ),
    },
    { id: 'state', title: 'State', width: '96px', cell: ({ state }) => <StateChip state={state} /> },
    {
      id: 'pending',
      title: 'Waiting',
      width: '56px',
      align: 'end',
      cell: ({ pending }) => formatCount(pending),
    },
    {
      id: 'delivered',
      title: 'Delivered',
      width: '64px',
      align: 'end',
      fromWidth: 700,
      cell: ({ delivered, dropped }) => (
        <span title={`${formatCount(dropped)} given up`}>{formatCount(delivered)}</span>
      ),
    },
    {
      id: 'test',
      title: 'Last test',
      width: '132px',
      cell: ({ name }) => <TestResult test={tests[name]} />,
    },
  ];
}

/** Those of the configuration are changed there. */
function entriesOf(row: WebhookRow, acts: WebhookActs): readonly MenuEntry[] {
  const { isLocked, state, pending } = row;
  const own: readonly MenuEntry[] = [
    { id: 'edit', label: 'Change…', act: () => acts.edit(row) },
    { id: 'toggle', label: state === 'disabled' ? 'Enable' : 'Disable', act: () => void acts.toggle(row) },
  ];
  return [
    { id: 'test', label: 'Send a test', act: () => void acts.test(row) },
    { id: 'retry', label: 'Try again now', isDisabled: pending === 0, act: () => void acts.retry(row) },
    ...(isLocked ? [] : own),
    {
      id: 'purge',
      label: 'Give up what waits…',
      isDanger: true,
      isDisabled: pending === 0,
      act: () => acts.purge(row),
    },
    ...(isLocked ? [] : [{ id: 'remove', label: 'Remove…', isDanger: true, act: () => acts.remove(row) }]),
  ];
}

function StateChip({ state }: Pick<WebhookRow, 'state'>) {
  if (state === 'ok')
    return (
      <Chip tone="ok" icon={<CircleCheck aria-hidden />}>
        Working
      </Chip>
    );
  if (state === 'disabled') return <Chip icon={<Ban aria-hidden />}>Disabled</Chip>;
  return (
    <Chip tone="err" icon={<CircleAlert aria-hidden />}>
      Failing
    </Chip>
  );
}

function TestResult({ test }: { readonly test: Tests[string] }) {
  if (test === undefined) return <span className={styles['muted']}>none</span>;
  if (test === 'running') return <span className={styles['muted']}>running</span>;
  const { status, milliseconds, error } = test;
  return (
    <span title={error}>
      {error === undefined ? 'Took it' : 'Failed'}: {status === undefined ? '' : `${status} `}in{' '}
      {milliseconds} ms
    </span>
  );
}

/** Why a receiver was not reached, in whole sentences: cells are too narrow for them. */
function WebhookNotice({ row, test }: { readonly row: WebhookRow; readonly test: Tests[string] }) {
  const { name, state, error, failingSince, nextTryAt, isLocked } = row;
  const testError = typeof test === 'object' ? test.error : undefined;
  return (
    <>
      {testError !== undefined && (
        <Notice kind="error">
          The test of <bdi>{name}</bdi> failed: {testError}
        </Notice>
      )}
      {state === 'failing' && (
        <Notice kind="warn">
          <bdi>{name}</bdi>: {error} It failed first <Time at={failingSince} />; next try{' '}
          {nextTryAt === undefined ? 'soon' : <Time at={nextTryAt} />}.
        </Notice>
      )}
      {isLocked && (
        <p className={styles['help']}>
          <bdi>{name}</bdi> is part of the configuration, under <code>notifications.endpoints</code>, and is
          changed there.
        </p>
      )}
    </>
  );
}
