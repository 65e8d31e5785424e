import { Sparkles } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { CollectPlanRow, CollectRow } from '../../../registry/spec/admin/upkeep.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { formatBytes, formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Empty, Failed, Loaded, Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Bytes, Chip, Digest, Facts, Time } from '../../parts/values.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { hrefOf, useParam } from '../../route.ts';
import { useAsk, useCall, useRefresh } from '../../state/calls.ts';
import { GridBox } from './grid-box.tsx';
import { RunningTask } from './running-task.tsx';
import { SettingLink, SettingValue } from './setting.tsx';
import { reasonsToCollect } from './words.ts';
import styles from './storage.module.css';

const columns: readonly Column<CollectRow>[] = [
  {
    id: 'digest',
    title: 'Digest',
    width: '110px',
    canHide: false,
    cell: ({ digest }) => <Digest value={digest} />,
  },
  { id: 'size', title: 'Size', width: '80px', align: 'end', cell: ({ size }) => <Bytes value={size} /> },
  { id: 'why', title: 'Why', width: 'minmax(170px, 1fr)', cell: ({ why }) => reasonsToCollect[why] },
  {
    id: 'where',
    title: 'Can be read in',
    width: 'minmax(140px, 1.5fr)',
    fromWidth: 620,
    cell: ({ repositories }) => (
      <span title={repositories.join(', ')}>
        {repositories.length === 0 ? (
          <span className={styles['muted']}>nowhere</span>
        ) : (
          repositories.join(', ')
        )}
      </span>
    ),
  },
  {
    id: 'now',
    title: 'Now',
    width: '110px',
    cell: ({ isKept }) => (isKept ? <Chip tone="warn">Kept for now</Chip> : <Chip>Is freed</Chip>),
  },
];

/** What a collection would free, and freeing exactly that. */
export function PlanPanel() {
  const [preview, setPreview] = useParam('preview');
  const [isStale, setStale] = useState(false);
  const [error, setError] = useState<unknown>();
  const ask = useAsk();
  const refresh = useRefresh();
  const plan = useCall('collect.plan', {}, { isWanted: preview !== '' });
  const { dataUpdatedAt, refetch } = plan;
  // A plan is also a look at everything: the figures of the usage are of its time.
  useEffect(() => {
    if (dataUpdatedAt > 0) refresh('usage.get');
  }, [dataUpdatedAt, refresh]);
  async function reclaim(hash: string): Promise<void> {
    setError(undefined);
    try {
      const { bytes, blobs } = await ask('collect.run', { plan: hash });
      toast({
        text: `Freed ${formatBytes(bytes)} (${formatExactBytes(bytes)}) in ${formatPlural(blobs, 'blob')}.`,
      });
    } catch (thrown) {
      if (isAppError(thrown, 'PLAN_STALE')) {
        setStale(true);
        refresh('collect.plan');
      } else if (isAppError(thrown, 'CANCELLED')) {
        toast({ text: 'The collection was cancelled; what it had freed is freed.' });
      } else setError(thrown);
    }
  }
  function openReclaim(shown: CollectPlanRow): void {
    void openDialog((close) => (
      <ReclaimDialog plan={shown} reclaim={() => void reclaim(shown.hash)} onClose={close} />
    ));
  }
  function look(): void {
    setStale(false);
    setError(undefined);
    if (preview === '') setPreview('yes');
    else void refetch();
  }
  return (
    <Panel
      title="What would I free?"
      actions={
        <>
          <Button
            look={plan.data === undefined ? 'primary' : 'plain'}
            isPending={plan.isFetching}
            onPress={look}
          >
            {plan.data === undefined ? 'Preview' : 'Look again'}
          </Button>
          {plan.data !== undefined && plan.data.blobs + plan.data.manifests > 0 && (
            <WriteButton look="primary" onPress={() => openReclaim(plan.data)}>
              Reclaim…
            </WriteButton>
          )}
        </>
      }
    >
      <RunningTask kind="collect" />
      {error !== undefined && <Failed error={error} />}
      {plan.data === undefined && preview === '' ? (
        <p className={styles['muted']}>
          A preview reads what every tag, index, referrer and entry of the trash needs, and lists what is left
          over. It frees nothing. Collections also run by themselves every{' '}
          <SettingValue path="berth.storage.collect.interval" />.
        </p>
      ) : (
        <Loaded answer={plan} rows={4}>
          {(data) => (
            <>
              {isStale && (
                <Notice kind="warn">
                  What nobody needs has changed since the preview, so nothing was freed. This is what it is
                  now.
                </Notice>
              )}
              <Plan plan={data} at={plan.dataUpdatedAt} isStale={plan.isFetching} />
            </>
          )}
        </Loaded>
      )}
    </Panel>
  );
}

function Plan({
  plan,
  at,
  isStale,
}: {
  readonly plan: CollectPlanRow;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
  readonly isStale: boolean;
}) {
  const { rows, blobs, bytes, keptBlobs, keptBytes, manifests, trashBytes } = plan;
  if (blobs + manifests === 0)
    return (
      <Empty icon={<Sparkles />} title="Nothing to free">
        <p>
          Everything that is stored is needed by a tag, an index, a referrer or the trash.
          {trashBytes > 0 && (
            <>
              {' '}
              The <a href={hrefOf({ page: 'storage', tab: 'trash' })}>trash</a> alone keeps{' '}
              <Bytes value={trashBytes} />.
            </>
          )}
        </p>
      </Empty>
    );
  return (
    <>
      <Facts
        rows={[
          ['As of', <Time key="at" at={new Date(at).toISOString()} />],
          ['Nobody needs', `${formatExactBytes(bytes)} in ${formatPlural(blobs, 'blob')}`],
          [
            'Freed now',
            `${formatExactBytes(bytes - keptBytes)} in ${formatPlural(blobs - keptBlobs, 'blob')}`,
          ],
          [
            'Kept for now',
            keptBlobs > 0 && (
              <span key="value">
                {formatExactBytes(keptBytes)} in {formatPlural(keptBlobs, 'blob')}: used within the{' '}
                <SettingLink path="berth.storage.collect.grace">grace time</SettingLink>, or not seen by a
                former collection
              </span>
            ),
          ],
          ['Untagged manifests', manifests > 0 && formatCount(manifests)],
          [
            'Trash',
            trashBytes > 0 && (
              <span key="value">
                {formatExactBytes(trashBytes)} more, kept until its time is over or it is{' '}
                <a href={hrefOf({ page: 'storage', tab: 'trash' })}>emptied</a>
              </span>
            ),
          ],
        ]}
      />
      <GridBox rows={rows.length}>
        <Grid
          label="What nobody needs"
          columns={columns}
          rows={rows}
          total={rows.length}
          keyOf={({ digest }) => digest}
          isStale={isStale}
          empty={null}
        />
      </GridBox>
      {blobs > rows.length && (
        <p className={styles['muted']}>
          These are the {formatCount(rows.length)} largest of {formatCount(blobs)}.
        </p>
      )}
    </>
  );
}

function ReclaimDialog({
  plan: { hash, blobs, bytes, keptBlobs, keptBytes, manifests },
  reclaim,
  onClose,
}: {
  readonly plan: CollectPlanRow;
  /** Begins it; the panel tells how far it is and how it ended. */
  readonly reclaim: () => void;
  readonly onClose: () => void;
}) {
  const freedBytes = bytes - keptBytes;
  const isOnlySeen = blobs - keptBlobs === 0;
  return (
    <ConfirmDialog
      title={isOnlySeen ? 'Run a collection?' : 'Free what nobody needs?'}
      verb={isOnlySeen ? 'Run it' : `Free ${formatBytes(freedBytes)}`}
      look={isOnlySeen ? 'primary' : 'danger'}
      cli={`berth gc --plan ${hash}`}
      isWrite
      act={async () => reclaim()}
      onClose={onClose}
    >
      {isOnlySeen ? (
        <p>
          Nothing can be freed yet. The run notes what nobody needs; a run after the grace time frees it, also
          one that starts by itself.
        </p>
      ) : (
        <p>Pushes and pulls go on meanwhile. What is freed cannot be brought back.</p>
      )}
      <Facts
        rows={[
          ['Is freed', `${formatExactBytes(freedBytes)} in ${formatPlural(blobs - keptBlobs, 'blob')}`],
          ['Is kept for now', `${formatExactBytes(keptBytes)} in ${formatPlural(keptBlobs, 'blob')}`],
          ['Untagged manifests', manifests > 0 && `${formatCount(manifests)}, those in use left out`],
        ]}
      />
    </ConfirmDialog>
  );
}
