import { RefreshCw } from 'lucide-react';
import { useState } from 'react';
import type { UploadRow } from '../../../registry/spec/admin/upkeep.ts';
import { formatBytes, formatExactBytes, formatPlural } from '../../format.ts';
import { IconButton } from '../../parts/button.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { type Choice, Chooser } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Bytes, Time } from '../../parts/values.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { useNow } from '../../state/clock.ts';
import { useAsk, useCall, useRefresh } from '../../state/calls.ts';
import { GridBox } from './grid-box.tsx';
import { SettingValue } from './setting.tsx';
import styles from './storage.module.css';

const columns: readonly Column<UploadRow>[] = [
  {
    id: 'repository',
    title: 'Repository',
    width: 'minmax(160px, 2fr)',
    cell: ({ repository }) => <span title={repository}>{repository}</span>,
  },
  {
    id: 'id',
    title: 'Upload',
    width: 'minmax(120px, 1fr)',
    fromWidth: 640,
    cell: ({ id }) => (
      <code className={styles['muted']} title={id}>
        {id}
      </code>
    ),
  },
  { id: 'bytes', title: 'Size', width: '80px', align: 'end', cell: ({ bytes }) => <Bytes value={bytes} /> },
  { id: 'at', title: 'Last byte', width: '130px', cell: ({ at }) => <Time at={at} /> },
  {
    id: 'user',
    title: 'By',
    width: '110px',
    cell: ({ user }) => user ?? <span className={styles['muted']}>unknown</span>,
  },
];

/** Uploads that were begun and neither finished nor cancelled. */
export function UploadsPanel() {
  const uploads = useCall('uploads.list', { limit: 500 });
  const refresh = useRefresh();
  return (
    <Panel
      title="Unfinished uploads"
      actions={
        <>
          <IconButton label="Refresh unfinished uploads" onPress={() => refresh('uploads.list')}>
            <RefreshCw />
          </IconButton>
          {uploads.data !== undefined && uploads.data.total > 0 && (
            <WriteButton onPress={() => void openDialog((close) => <PurgeDialog onClose={close} />)}>
              Remove…
            </WriteButton>
          )}
        </>
      }
    >
      <Loaded answer={uploads} rows={3}>
        {({ rows, total }) => (
          <GridBox rows={rows.length} most={6}>
            <Grid
              label="Unfinished uploads"
              columns={columns}
              rows={rows}
              total={Math.min(total, rows.length)}
              keyOf={({ repository, id }) => `${repository}/${id}`}
              empty={
                <p className={styles['muted']}>
                  None. A push that breaks off leaves one; it is removed by itself{' '}
                  <SettingValue path="storage.maintenance.uploadpurging.age" /> after its last byte.
                </p>
              }
            />
          </GridBox>
        )}
      </Loaded>
    </Panel>
  );
}

const ages = [
  { id: '86400000', label: 'a day', ms: 86_400_000 },
  { id: '3600000', label: 'an hour', ms: 3_600_000 },
  { id: '600000', label: 'ten minutes', ms: 600_000 },
  { id: '0', label: 'any age', ms: 0 },
] as const satisfies readonly (Choice<string> & { readonly ms: number })[];
type AgeId = (typeof ages)[number]['id'];

function PurgeDialog({ onClose }: { readonly onClose: () => void }) {
  const ask = useAsk();
  const refresh = useRefresh();
  const now = useNow();
  const { data } = useCall('uploads.list', { limit: 500 });
  const [age, setAge] = useState<AgeId>('3600000');
  const ageMs = ages.find(({ id }) => id === age)?.ms ?? 0;
  const going = data?.rows.filter(({ at }) => now - Date.parse(at) >= ageMs || ageMs === 0) ?? [];
  const bytes = going.reduce((sum, row) => sum + row.bytes, 0);
  async function purge(): Promise<void> {
    const { purged } = await ask('uploads.purge', { ageMs });
    refresh('uploads.list');
    toast({ text: `Removed ${formatPlural(purged, 'unfinished upload')}.` });
  }
  return (
    <ConfirmDialog
      title="Remove unfinished uploads?"
      verb={`Remove ${formatPlural(going.length, 'upload')}`}
      isDisabled={going.length === 0}
      isWrite
      act={purge}
      onClose={onClose}
    >
      <Chooser label="No byte came for at least" value={age} choices={ages} onChange={setAge} />
      <p>
        {formatPlural(going.length, 'upload')} with {formatBytes(bytes)} ({formatExactBytes(bytes)}) would go.
        {ageMs < 600_000 && ' Pushes that run at present are among them, and would fail.'}
      </p>
      <ul className={styles['plainList']}>
        {going.slice(0, 20).map(({ repository, id, bytes: size }) => (
          <li key={id}>
            <code>{repository}</code> <Bytes value={size} />
          </li>
        ))}
        {going.length > 20 && <li>and {going.length - 20} more</li>}
      </ul>
    </ConfirmDialog>
  );
}
