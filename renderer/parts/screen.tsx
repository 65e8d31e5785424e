/** How a screen is laid out: a head, what acts on it, and its content. */
import type { ReactNode } from 'react';
import styles from './screen.module.css';

export function Screen({
  title,
  facts,
  actions,
  children,
  isScrolling = true,
}: {
  readonly title: ReactNode;
  /** Beside the title, in small. */
  readonly facts?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** False for a screen whose table or tabs scroll by themselves. */
  readonly isScrolling?: boolean;
}) {
  return (
    <div className={styles['screen']}>
      <header className={styles['head']}>
        <h1>{title}</h1>
        {facts !== undefined && <div className={styles['facts']}>{facts}</div>}
        {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
      </header>
      {isScrolling ? (
        // A region that scrolls must be reachable by keyboard.
        <div className={styles['scroll']} tabIndex={-1}>
          {children}
        </div>
      ) : (
        children
      )}
    </div>
  );
}

/** Search, filters and acts above a table. */
export function Bar({ children, label }: { readonly children: ReactNode; readonly label: string }) {
  return (
    <div role="toolbar" aria-label={label} className={styles['bar']}>
      {children}
    </div>
  );
}

/** A part of a screen with a name. */
export function Panel({
  title,
  actions,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles['panel']} aria-label={title}>
      <header className={styles['panelHead']}>
        <h2>{title}</h2>
        {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** Panels beside each other where there is room. */
export function Panels({ children }: { readonly children: ReactNode }) {
  return <div className={styles['panels']}>{children}</div>;
}
