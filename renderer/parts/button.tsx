import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Hint } from './hint.tsx';
import styles from './button.module.css';

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children' | 'isPending'> {
  readonly children: ReactNode;
  /** What it began is not over: it does nothing, and keeps the focus. */
  readonly isPending?: boolean;
  /** `primary`: the one thing to do here; `danger`: cannot be undone; `quiet`: beside text. */
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly icon?: ReactNode;
}

export function Button({ children, look = 'plain', icon, isPending = false, onPress, ...rest }: ButtonProps) {
  return (
    <AriaButton
      {...rest}
      aria-disabled={isPending || undefined}
      onPress={isPending ? undefined : onPress}
      className={`${styles['button']} ${styles[look] ?? ''} ${isPending ? styles['pending'] : ''}`}
    >
      {icon}
      <span>{children}</span>
    </AriaButton>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  /** What it does: its name, and its hint. */
  readonly label: string;
  readonly children: ReactNode;
}

/** A button that is an icon; its name is shown on hover and focus. */
export function IconButton({ label, children, ...rest }: IconButtonProps) {
  return (
    <Hint text={label}>
      <AriaButton {...rest} aria-label={label} className={`${styles['button']} ${styles['icon']}`}>
        {children}
      </AriaButton>
    </Hint>
  );
}
