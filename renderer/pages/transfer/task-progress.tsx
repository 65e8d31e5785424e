import type { TaskRow } from '../../../registry/spec/admin/process.ts';
import { progressOf } from '../../frame/task-strip.tsx';
import { Progress } from '../../parts/charts.tsx';
import { useCall } from '../../state/calls.ts';
import styles from './transfer.module.css';

/** How far the newest task of a kind is. */
export function TaskProgress({ kind, label }: { readonly kind: TaskRow['kind']; readonly label: string }) {
  const { data } = useCall('tasks.list', {});
  const task = data?.find((each) => each.kind === kind && each.state === 'running');
  return (
    <div className={styles['progress']} role="status">
      <span>{label}</span>
      <Progress done={task?.done ?? 0} total={task?.total} label={label} />
      <span className={styles['count']}>{task === undefined ? '' : progressOf(task)}</span>
    </div>
  );
}
