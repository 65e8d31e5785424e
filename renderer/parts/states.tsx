/** What stands in the place of content that is not there, and what is said beside content. */
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { describeProblem, problemOf } from '../messages.ts';
import { isLost } from '../state/calls.ts';
import { formatAbsolute } from '../format.ts';
import { Button } from './button.tsx';
import { copyText } from './copy.tsx';
import styles from './states.module.css';

const icons = { info: Info, ok: CircleCheck, warn: TriangleAlert, error: CircleAlert } as const;
const words = { info: 'Note', ok: 'Fine', warn: 'Warning', error: 'Error' } as const;

export interface NoticeProps {
  readonly kind: keyof typeof icons;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** A sentence that needs attention, with what can be done about it. */
export function Notice({ kind, children, actions }: NoticeProps) {
  const Icon = icons[kind];
  return (
    <div className={`${styles['notice']} ${styles[kind]}`} role={kind === 'error' ? 'alert' : 'note'}>
      <Icon aria-label={words[kind]} />
      <div className={styles['noticeText']}>{children}</div>
      {actions}
    </div>
  );
}

/** Nothing is here: what this place is for, and the one next step. */
export function Empty({
  icon,
  title,
  children,
}: {
  readonly icon?: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles['empty']}>
      {icon}
      <h2>{title}</h2>
      <div className={styles['emptyText']}>{children}</div>
    </div>
  );
}

/** It cannot be shown: why, what to do, and what to send to somebody who helps. */
export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = problemOf(error);
  // What a program has said may be several lines.
  const [title, ...said] = problem.title.split('\n');
  return (
    <Notice
      kind="error"
      actions={
        <div className={styles['actions']}>
          {onRetry !== undefined && <Button onPress={onRetry}>Try again</Button>}
          <Button look="quiet" onPress={() => void copyText(describeProblem(problem), 'Details copied')}>
            Copy details
          </Button>
        </div>
      }
    >
      <strong>{title}</strong> {problem.hint}
      {said.length > 0 && (
        <pre className={styles['said']} tabIndex={0} aria-label="What it said" role="group">
          {said.join('\n')}
        </pre>
      )}
      {problem.requestId !== undefined && (
        <div className={styles['evidence']}>Request {problem.requestId}</div>
      )}
    </Notice>
  );
}

/** Lines that stand for content; they appear after 150 ms, so that quick answers do not flicker. */
export function Skeleton({ rows = 8 }: { readonly rows?: number }) {
  const isLate = useLate(150);
  return (
    <div aria-busy="true" aria-label="Loading" role="status" className={styles['skeleton']}>
      {isLate && Array.from({ length: rows }, (_, index) => <div key={index} className={styles['bone']} />)}
    </div>
  );
}

/** It was never answered, and nobody answers now: the banner of the frame says why, and what can be done. */
export function Unknown() {
  return <p className={styles['unknown']}>Not known yet. It is shown once the registry answers.</p>;
}

/** True once so many milliseconds have passed since the first render. */
function useLate(ms: number): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return isLate;
}

/** What an answer of the registry has to tell about itself. */
export interface Answer<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly dataUpdatedAt: number;
  readonly refetch: () => unknown;
}

/** Shows the answer once it is there; a skeleton before, and what went wrong instead or above what is old. */
export function Loaded<Data>({
  answer,
  rows,
  children,
}: {
  readonly answer: Answer<Data>;
  /** Of the skeleton. */
  readonly rows?: number;
  readonly children: (data: Data) => ReactNode;
}) {
  const { data, error, dataUpdatedAt, refetch } = answer;
  const retry = (): void => void refetch();
  // A lost connection is told once, above every screen.
  const isFailed = error !== null && error !== undefined && !isLost(error);
  if (data === undefined) {
    if (isLost(error)) return <Unknown />;
    return isFailed ? (
      <div className={styles['place']}>
        <Failed error={error} onRetry={retry} />
      </div>
    ) : (
      <Skeleton rows={rows} />
    );
  }
  return (
    <>
      {isFailed && (
        <div className={styles['place']}>
          <Failed error={error} onRetry={retry} />
          <p className={styles['old']}>
            Showing what was known at {formatAbsolute(new Date(dataUpdatedAt).toISOString())}.
          </p>
        </div>
      )}
      {children(data)}
    </>
  );
}
