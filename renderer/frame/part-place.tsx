import { createElement, useEffect, useSyncExternalStore } from 'react';
import { Button } from '../parts/button.tsx';
import { Notice, Skeleton } from '../parts/states.tsx';
import { Boundary } from './boundary.tsx';
import type { Part } from './part.ts';
import styles from './part-place.module.css';

/** Shows a part, once its code is there. */
export function PartPlace<Props extends object>({
  part,
  props,
}: {
  readonly part: Part<Props>;
  readonly props: Props;
}) {
  const found = useSyncExternalStore(part.subscribe, part.found);
  useEffect(() => void part.load(), [part]);
  if (found === undefined) return <Skeleton />;
  if (found instanceof Error)
    return (
      <div className={styles['failed']}>
        <Notice kind="error" actions={<Button onPress={() => location.reload()}>Reload the window</Button>}>
          <strong>This part of the window could not be loaded.</strong> The registry cannot be reached, or was
          updated since the window was opened.
        </Notice>
      </div>
    );
  return <Boundary of={part}>{createElement(found, props)}</Boundary>;
}
