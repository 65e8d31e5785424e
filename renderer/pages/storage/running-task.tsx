import type { TaskKind } from '../../../registry/spec/admin/process.ts';
import { progressOf, taskTitles } from '../../frame/task-strip.tsx';
import { Button } from '../../parts/button.tsx';
import { Progress } from '../../parts/charts.tsx';
import { toastError } from '../../parts/toast.tsx';
import { useAsk, useCall } from '../../state/calls.ts';
import styles from './storage.module.css';

/** How far work of a kind is, whoever started it, and how to end it; nothing while none runs. */
export function RunningTask({ kind }: { readonly kind: TaskKind }) {
  const { data } = useCall('tasks.list', {});
  const ask = useAsk();
  const task = data?.find((each) => each.kind === kind && each.state === 'running');
  if (task === undefined) return null;
  const title = taskTitles[kind];
  return (
    <div className={styles['running']} role="group" aria-label={title}>
      <span>{title}</span>
      <Progress done={task.done} total={task.total} label={title} />
      <span className={styles['muted']}>{progressOf(task)}</span>
      <Button onPress={() => void ask('tasks.cancel', { id: task.id }).catch(toastError)}>Cancel</Button>
    </div>
  );
}
