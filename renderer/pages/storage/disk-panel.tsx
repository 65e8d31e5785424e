import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import type { DiskRow } from '../../../registry/spec/admin/process.ts';
import { formatCount } from '../../format.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Bytes, Chip, Facts, type Tone } from '../../parts/values.tsx';
import { useShell } from '../../state/shell.ts';
import { useCall } from '../../state/calls.ts';
import { SettingBlank, SettingValue, useSetting, writtenOf } from './setting.tsx';
import styles from './storage.module.css';

const states: Readonly<
  Record<DiskRow['state'], { readonly word: string; readonly tone: Tone; readonly Icon: typeof CircleCheck }>
> = {
  ok: { word: 'Enough room', tone: 'ok', Icon: CircleCheck },
  low: { word: 'Getting full', tone: 'warn', Icon: TriangleAlert },
  full: { word: 'Full: pushes are refused', tone: 'err', Icon: CircleAlert },
};

/** The room on the disk, when it is warned of, and when pushes are refused. */
export function DiskPanel() {
  const status = useCall('status.get', {});
  return (
    <Panel title="Disk">
      <Loaded answer={status} rows={3}>
        {({ disk }) => <DiskFacts disk={disk} />}
      </Loaded>
    </Panel>
  );
}

function DiskFacts({ disk }: { readonly disk: DiskRow }) {
  const { word, tone, Icon } = states[disk.state];
  const shell = useShell();
  const directory = writtenOf(useSetting('storage.filesystem.rootdirectory'));
  return (
    <Facts
      rows={[
        [
          'State',
          <Chip key="state" tone={tone} icon={<Icon aria-hidden />}>
            {word}
          </Chip>,
        ],
        [
          'Data directory',
          // The desktop has a panel for it.
          directory !== undefined && shell === undefined && (
            <span key="directory" className={styles['location']}>
              <code>{directory}</code>
              <CopyButton text={directory} label="Copy data directory" />
            </span>
          ),
        ],
        ['Free', <Bytes key="free" value={disk.freeBytes} />],
        ['Free files', disk.freeInodes === undefined ? undefined : formatCount(disk.freeInodes)],
        [
          'Warn below',
          <span key="warn">
            <SettingBlank path="berth.storage.warn.bytes" label="Free bytes to warn at" /> or{' '}
            <SettingBlank path="berth.storage.warn.percent" label="Free share to warn at" /> % free, whichever
            is more
          </span>,
        ],
        [
          'Refuse pushes below',
          <span key="reserve">
            <Bytes value={disk.reserveBytes} /> free: the larger of{' '}
            <SettingValue path="berth.storage.reserve.bytes" /> and{' '}
            <SettingValue path="berth.storage.reserve.percent" /> %
          </span>,
        ],
      ]}
    />
  );
}
