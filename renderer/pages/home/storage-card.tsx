import type { UsageRow } from '../../../registry/spec/admin/upkeep.ts';
import { formatBytes } from '../../format.ts';
import { StackedBar } from '../../parts/charts.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Bytes } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { sharesOf } from './storage-shares.ts';
import styles from './home.module.css';

/** What takes the room of the disk. */
export function StorageCard() {
  const answer = useCall('usage.get', {});
  return (
    <Panel title="Storage" actions={<a href={hrefOf({ page: 'storage' })}>Storage</a>}>
      <Loaded answer={answer} rows={2}>
        {(usage) => <Usage usage={usage} />}
      </Loaded>
    </Panel>
  );
}

function Usage({ usage }: { readonly usage: UsageRow }) {
  const shares = sharesOf(usage);
  return (
    <>
      <p>
        <strong>
          <Bytes value={usage.totalBytes} />
        </strong>{' '}
        <span className={styles['muted']}>used</span>
        {usage.freeBytes !== undefined && (
          <span className={styles['muted']}>
            , <Bytes value={usage.freeBytes} /> free
          </span>
        )}
      </p>
      <StackedBar
        label="What takes room"
        shares={shares.map((share) => ({ ...share, text: formatBytes(share.value) }))}
      />
    </>
  );
}
