import type { TaskRow } from '../../registry/spec/admin/process.ts';
import { formatBytes, formatCount } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Progress } from '../parts/charts.tsx';
import { toastError } from '../parts/toast.tsx';
import { useAsk, useCall, useIsBusy } from '../state/calls.ts';
import styles from './task-strip.module.css';

export const taskTitles: Readonly<Record<TaskRow['kind'], string>> = {
  collect: 'Cleaning up',
  rebuild: 'Rebuilding the index',
  copy: 'Copying',
  export: 'Exporting',
  import: 'Importing',
  rules: 'Applying rules',
  scrub: 'Verifying content',
};

/** What the registry works on for longer than an answer takes, and that an answer takes its time. */
export function TaskStrip() {
  const { data } = useCall('tasks.list', {});
  const ask = useAsk();
  const running = data?.filter(({ state }) => state === 'running') ?? [];
  const isWaiting = useIsBusy() && running.length === 0;
  if (running.length === 0 && !isWaiting) return null;
  return (
    <aside className={styles['strip']} aria-label="Work that runs" data-region tabIndex={-1}>
      {isWaiting && (
        <div className={styles['task']}>
          <span>Working</span>
          <Progress done={0} total={undefined} label="Working" />
        </div>
      )}
      {running.map((task) => (
        <div key={task.id} className={styles['task']}>
          <span>{taskTitles[task.kind]}</span>
          <Progress done={task.done} total={task.total} label={taskTitles[task.kind]} />
          <span className={styles['count']}>{progressOf(task)}</span>
          <Button
            look="quiet"
            aria-label={`Cancel: ${taskTitles[task.kind]}`}
            onPress={() => void ask('tasks.cancel', { id: task.id }).catch(toastError)}
          >
            Cancel
          </Button>
        </div>
      ))}
    </aside>
  );
}

/** `3.1GB of 8GB`, `120 of 4,000`. */
export function progressOf({ done, total, unit }: TaskRow): string {
  const write = unit === 'bytes' ? formatBytes : formatCount;
  return total === undefined ? write(done) : `${write(done)} of ${write(total)}`;
}
