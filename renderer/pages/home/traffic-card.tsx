import { ArrowDown, ArrowUp } from 'lucide-react';
import type { ReactNode } from 'react';
import type { TrafficHour } from '../../../registry/spec/admin/activity.ts';
import { formatBytes } from '../../format.ts';
import { Sparkline } from '../../parts/charts.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Bytes } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import styles from './home.module.css';

const everyMs = 30_000;

/** What clients have pushed and pulled in the last 24 hours. */
export function TrafficCard() {
  const answer = useCall('traffic.get', {}, { everyMs });
  return (
    <Panel title="Traffic, 24 hours">
      <Loaded answer={answer} rows={2}>
        {(hours) => (
          <div className={styles['traffic']}>
            <Way
              name="Pushed"
              icon={<ArrowUp aria-hidden />}
              values={hours.map(({ bytesIn }: TrafficHour) => bytesIn)}
            />
            <Way
              name="Pulled"
              icon={<ArrowDown aria-hidden />}
              values={hours.map(({ bytesOut }: TrafficHour) => bytesOut)}
            />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Way({
  name,
  icon,
  values,
}: {
  readonly name: string;
  readonly icon: ReactNode;
  readonly values: readonly number[];
}) {
  const sum = values.reduce((all, value) => all + value, 0);
  const top = Math.max(...values);
  return (
    <div className={styles['way']}>
      <span className={styles['wayName']}>
        {icon} {name}
      </span>
      <strong>
        <Bytes value={sum} />
      </strong>
      <Sparkline
        values={values}
        label={`${name} by the hour: ${formatBytes(sum)} in 24 hours, at most ${formatBytes(top)} in one`}
        width={160}
        height={24}
      />
    </div>
  );
}
