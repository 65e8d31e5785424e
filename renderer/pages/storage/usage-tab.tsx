import { Boxes } from 'lucide-react';
import type { QuotaRow } from '../../../registry/spec/admin/rules.ts';
import type { UsageRow } from '../../../registry/spec/admin/upkeep.ts';
import { formatBytes, formatCount, formatPlural } from '../../format.ts';
import { CopyLine } from '../../parts/copy.tsx';
import { StackedBar } from '../../parts/charts.tsx';
import { Panel, Panels } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Bytes, Chip, Facts, Time } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { useAddress } from '../../state/address.ts';
import { useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { DiskPanel } from './disk-panel.tsx';
import { LocationPanel } from './location-panel.tsx';
import { MeterBar } from './meter-bar.tsx';
import { Trend } from './trend.tsx';
import { sharesOf } from './usage-shares.ts';
import styles from './storage.module.css';

const shownRepositories = 10;

/** What takes room. */
export function UsageTab() {
  const usage = useCall('usage.get', {});
  const shell = useShell();
  return (
    <div className={styles['scroll']}>
      {shell !== undefined && <LocationPanel shell={shell} />}
      <Loaded answer={usage}>
        {(data) => (
          <>
            <TotalsPanel usage={data} />
            <Panels>
              <LargestPanel usage={data} />
              <TrendPanel />
              <DiskPanel />
              <QuotasPanel rows={data.quotas} />
            </Panels>
          </>
        )}
      </Loaded>
    </div>
  );
}

function TotalsPanel({ usage }: { readonly usage: UsageRow }) {
  const { data: uploads } = useCall('uploads.list', { limit: 500 });
  const uploadBytes = uploads?.rows.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  const { trashBytes, reclaimableBytes, plannedAt } = usage;
  return (
    <Panel
      title="What takes room"
      actions={
        <a href={hrefOf({ page: 'storage', tab: 'cleanup' }, { preview: 'yes' })}>Preview a clean-up</a>
      }
    >
      <StackedBar label="Room by what takes it" shares={sharesOf(usage, uploadBytes)} />
      <Facts
        rows={[
          ['All content', <Bytes key="bytes" value={usage.totalBytes} />],
          [
            'Reclaimable',
            <span key="text">
              <Bytes value={reclaimableBytes} />{' '}
              {plannedAt === undefined ? (
                <span className={styles['muted']}>with what the trash keeps; a preview tells them apart</span>
              ) : (
                <span className={styles['muted']}>
                  as of <Time at={plannedAt} />
                </span>
              )}
            </span>,
          ],
          [
            'Trash',
            plannedAt !== undefined && (
              <span key="value">
                <Bytes value={trashBytes} />{' '}
                <a href={hrefOf({ page: 'storage', tab: 'trash' })}>Look into it</a>
              </span>
            ),
          ],
          [
            'Quarantined',
            usage.quarantinedBytes > 0 && (
              <span key="value">
                <Bytes value={usage.quarantinedBytes} />{' '}
                <a href={hrefOf({ page: 'storage', tab: 'verify' })}>See what is damaged</a>
              </span>
            ),
          ],
          ['Free on the disk', <Bytes key="free" value={usage.freeBytes} />],
        ]}
      />
    </Panel>
  );
}

function LargestPanel({ usage }: { readonly usage: UsageRow }) {
  const address = useAddress();
  const { repositories } = usage;
  const shown = repositories
    .toSorted((one, other) => other.exclusiveBytes - one.exclusiveBytes)
    .slice(0, shownRepositories);
  const most = Math.max(1, ...shown.map(({ exclusiveBytes }) => exclusiveBytes));
  return (
    <Panel
      title="Largest repositories"
      actions={
        repositories.length > shown.length && (
          <a href={hrefOf({ page: 'repositories' }, { sort: 'size' })}>
            All {formatCount(repositories.length)}
          </a>
        )
      }
    >
      {shown.length === 0 ? (
        <Empty icon={<Boxes />} title="Nothing is stored yet">
          <p>Repositories are listed here by the room that deleting them would free. Push the first image:</p>
          <CopyLine text={`docker push ${address}/hello:1`} label="Copy command" />
        </Empty>
      ) : (
        <ol className={styles['bars']}>
          {shown.map(({ name, exclusiveBytes, sharedBytes }) => (
            <li key={name} className={styles['barRow']}>
              <a href={hrefOf({ page: 'repository', repository: name })} title={name}>
                {name}
              </a>
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" className={styles['bar']} aria-hidden>
                <rect width={(exclusiveBytes / most) * 100} height="10" />
              </svg>
              <span className={styles['barValue']}>
                <Bytes value={exclusiveBytes} />
              </span>
              <span className={styles['barNote']}>
                {sharedBytes > 0 && (
                  <>
                    and <Bytes value={sharedBytes} /> shared
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
      {shown.length > 0 && (
        <p className={styles['muted']}>Bytes that no other repository uses: what deleting it would free.</p>
      )}
    </Panel>
  );
}

function TrendPanel() {
  const trend = useCall('usage.trend', {});
  return (
    <Panel title="Last 30 days">
      <Loaded answer={trend} rows={4}>
        {(samples) => <Trend samples={samples} />}
      </Loaded>
    </Panel>
  );
}

function QuotasPanel({ rows }: { readonly rows: readonly QuotaRow[] }) {
  return (
    <Panel title="Quotas" actions={<a href={hrefOf({ page: 'storage', tab: 'rules' })}>Change</a>}>
      {rows.length === 0 && (
        <p className={styles['muted']}>
          No quota limits what repositories may take. One is set under Rules, such as 10GB for team/**.
        </p>
      )}
      <ul className={styles['quotas']}>
        {rows.map((row) => (
          <Quota key={row.id} row={row} />
        ))}
      </ul>
    </Panel>
  );
}

function Quota({ row }: { readonly row: QuotaRow }) {
  const { id, repositories, usedBytes, limitBytes, usedTags, limitTags } = row;
  const isOver = usedBytes > limitBytes || (limitTags !== undefined && usedTags > limitTags);
  return (
    <li className={styles['quota']}>
      <span className={styles['quotaName']}>
        <code>{repositories}</code> {id}
        {isOver && <Chip tone="err">used up</Chip>}
      </span>
      <MeterBar
        label={`Bytes of the quota ${id}`}
        used={usedBytes}
        limit={limitBytes}
        text={`${formatBytes(usedBytes)} of ${formatBytes(limitBytes)}`}
      />
      {limitTags !== undefined && (
        <MeterBar
          label={`Tags of the quota ${id}`}
          used={usedTags}
          limit={limitTags}
          text={`${formatCount(usedTags)} of ${formatPlural(limitTags, 'tag')}`}
        />
      )}
    </li>
  );
}
