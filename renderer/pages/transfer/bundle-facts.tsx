import type { ReactNode } from 'react';
import type { BundleRow } from '../../../registry/spec/admin/transfer.ts';
import { assertNever } from '../../../registry/spec/errors.ts';
import { formatBytes, formatPlural } from '../../format.ts';
import { Progress } from '../../parts/charts.tsx';
import { Failed, Skeleton } from '../../parts/states.tsx';
import { Bytes, Facts } from '../../parts/values.tsx';
import type { BundleState, ImportSource } from './use-bundle.ts';
import styles from './transfer.module.css';

const kinds: Readonly<Record<BundleRow['kind'], string>> = {
  'oci-archive': 'OCI image layout, in an archive',
  'oci-directory': 'OCI image layout, a directory',
  'docker-archive': 'what docker save writes',
};

/** What is known of a file so far. */
export function BundleFacts({
  source,
  state,
}: {
  readonly source: ImportSource;
  readonly state: BundleState;
}) {
  switch (state.kind) {
    case 'sending':
      return (
        <div className={styles['progress']}>
          <span>Sending to the registry</span>
          <Progress done={state.done} total={state.total} label="Sending the file" />
          <span className={styles['count']}>
            {formatBytes(state.done)} of {formatBytes(state.total)}
          </span>
        </div>
      );
    case 'reading':
      return <Skeleton rows={5} />;
    case 'failed':
      return <Failed error={state.error} />;
    case 'read': {
      const { row } = state;
      const bytes = source.kind === 'path' ? source.given.bytes : source.file.size;
      const facts: readonly (readonly [string, ReactNode])[] = [
        ['From', source.kind === 'path' && <code key="path">{source.given.path}</code>],
        ['Holds', `${kinds[row.kind]}${row.isCompressed ? ', packed with gzip' : ''}`],
        ['Size', bytes !== undefined && <Bytes key="size" value={bytes} />],
        [
          'New here',
          row.newBlobs === 0
            ? 'nothing: all layers are here already'
            : `${formatBytes(row.newBytes)} in ${formatPlural(row.newBlobs, 'blob')}, of ${formatBytes(row.bytes)} in ${row.blobs}`,
        ],
        ['Builds on', row.since.length > 0 && row.since.join(', ')],
      ];
      return <Facts rows={facts} />;
    }
    default:
      return assertNever(state);
  }
}
