import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Hint } from './hint.tsx';
import styles from './button.module.css';

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  readonly children: ReactNode;
  /** `primary`: the one thing to do here; `danger`: cannot be undone; `quiet`: beside text. */
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly icon?: ReactNode;
}

export function Button({ children, look = 'plain', icon, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={`${styles['button']} ${styles[look]}`}>
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
