import type { ReactElement } from 'react';
import { Focusable, Tooltip, TooltipTrigger } from 'react-aria-components/Tooltip';
import styles from './hint.module.css';

/** Shows a text beside what is hovered or focused: a button of react-aria, or an element that takes the focus. */
export function Hint({ text, children }: { readonly text: string; readonly children: ReactElement }) {
  return (
    <TooltipTrigger delay={500} closeDelay={100}>
      {typeof children.type === 'string' ? <Focusable>{children as never}</Focusable> : children}
      <Tooltip className={styles['hint'] ?? ''} offset={6}>
        {text}
      </Tooltip>
    </TooltipTrigger>
  );
}
