import type { CollectRunRow } from '../../../registry/spec/admin/upkeep.ts';
import { formatCount, formatDuration } from '../../format.ts';
import { CliLine } from '../../parts/copy.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Bytes, Time } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import { GridBox } from './grid-box.tsx';
import { SettingLink } from './setting.tsx';
import { triggers } from './words.ts';
import styles from './storage.module.css';

const columns: readonly Column<CollectRunRow>[] = [
  { id: 'at', title: 'When', width: '130px', cell: ({ at }) => <Time at={at} /> },
  {
    id: 'trigger',
    title: 'Why',
    width: 'minmax(150px, 2fr)',
    cell: ({ trigger, user }) => (
      <span>{user === undefined ? triggers[trigger] : `${triggers[trigger]} by ${user}`}</span>
    ),
  },
  { id: 'freed', title: 'Freed', width: '80px', align: 'end', cell: ({ bytes }) => <Bytes value={bytes} /> },
  { id: 'blobs', title: 'Blobs', width: '70px', align: 'end', cell: ({ blobs }) => formatCount(blobs) },
  {
    id: 'manifests',
    title: 'Manifests',
    width: '80px',
    align: 'end',
    fromWidth: 640,
    cell: ({ manifests }) => formatCount(manifests),
  },
  {
    id: 'kept',
    title: 'Kept',
    width: '80px',
    align: 'end',
    fromWidth: 720,
    cell: ({ keptBytes }) => <Bytes value={keptBytes} />,
  },
  { id: 'took', title: 'Took', width: '80px', align: 'end', cell: ({ ms }) => formatDuration(ms) },
];

/** The last collections, whoever started them. */
export function RunsPanel() {
  const runs = useCall('collect.runs', {});
  return (
    <Panel
      title="Last collections"
      actions={<SettingLink path="berth.storage.collect.interval">When they run by themselves</SettingLink>}
    >
      <Loaded answer={runs} rows={3}>
        {(rows) => (
          <GridBox rows={rows.length} most={8}>
            <Grid
              label="Last collections"
              columns={columns}
              rows={rows}
              total={rows.length}
              keyOf={({ at, ms }) => `${at} ${ms}`}
              empty={
                <p className={styles['muted']}>
                  None has run yet. The first runs 20 minutes after the start.
                </p>
              }
            />
          </GridBox>
        )}
      </Loaded>
      <CliLine command="berth gc --runs" />
    </Panel>
  );
}
