/** Short words about what just happened, at the bottom right. Errors stay until they are closed. */
import { X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useHeight, useHeights } from './use-height.ts';
import { sentencesOf } from '../messages.ts';
import { createShared } from '../state/shared.ts';
import { Button, IconButton } from './button.tsx';
import { withRow } from './toast-rows.ts';
import styles from './toast.module.css';

export interface ToastOptions {
  readonly text: string;
  readonly kind?: 'info' | 'error';
  /** Takes back what happened; the toast is there for ten seconds then. */
  readonly undo?: () => Promise<unknown>;
  /** What can be done next; the toast is there for ten seconds then. */
  readonly action?: { readonly label: string; readonly run: () => unknown };
}

interface ToastRow extends ToastOptions {
  readonly id: number;
}

const rows = createShared<readonly ToastRow[]>([]);
let lastId = 0;

/** Shows a toast. */
export function toast(options: ToastOptions): void {
  lastId += 1;
  rows.set(withRow(rows.get(), { ...options, id: lastId }));
}

/** Shows what went wrong. */
export function toastError(error: unknown): void {
  toast({ kind: 'error', text: sentencesOf(error) });
}

/** Takes all toasts away. */
export function clearToasts(): void {
  rows.set([]);
}

/** Takes back the last thing that a toast offers to take back; false if there is none. */
export function undoLast(): boolean {
  const last = rows.get().findLast((row) => row.undo !== undefined);
  if (last === undefined) return false;
  void undo(last);
  return true;
}

function take(row: ToastRow): void {
  rows.set(rows.get().filter((each) => each.id !== row.id));
}

async function undo(row: ToastRow): Promise<void> {
  take(row);
  await row.undo?.().then(() => toast({ text: 'Undone' }), toastError);
}

/** Where toasts are shown; once, in the frame. */
export function ToastHost() {
  const shown = rows.use();
  // A dialog leaves it room, and is not left, nor closed, by what is done in it.
  const host = useHeight('messages');
  const { foot } = useHeights();
  const former = useRef<Element>(null);
  const remember = (from: Element | null): void => {
    if (host.current?.contains(from) !== true) former.current = from;
  };
  useEffect(() => {
    // The toast that had the focus is gone.
    if (document.activeElement === document.body && former.current instanceof HTMLElement)
      former.current.focus();
  });
  return (
    <div
      ref={host}
      role="status"
      aria-live="polite"
      aria-label="Messages"
      data-react-aria-top-layer
      className={styles['host']}
      style={{ bottom: foot }}
    >
      {shown.map((row) => (
        <Toast key={row.id} row={row} remember={remember} />
      ))}
    </div>
  );
}

function Toast({
  row,
  remember,
}: {
  readonly row: ToastRow;
  /** Told where the focus comes from, or that it went nowhere. */
  readonly remember: (from: Element | null) => void;
}) {
  const [isHeld, setHeld] = useState(false);
  const close = (): void => take(row);
  useEffect(() => {
    if (row.kind === 'error' || isHeld) return undefined;
    const isActing = row.undo !== undefined || row.action !== undefined;
    const timer = setTimeout(() => take(row), isActing ? 10_000 : 6000);
    return () => clearTimeout(timer);
  }, [row, isHeld]);
  return (
    <div
      className={`${styles['toast']} ${row.kind === 'error' ? styles['error'] : ''}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={({ relatedTarget }) => {
        setHeld(true);
        remember(relatedTarget);
      }}
      onBlur={({ relatedTarget }) => {
        setHeld(false);
        if (relatedTarget === null) remember(null);
      }}
    >
      <span className={styles['text']}>{row.text}</span>
      {row.undo !== undefined && (
        <Button look="quiet" onPress={() => void undo(row)}>
          Undo
        </Button>
      )}
      {row.action !== undefined && (
        <Button look="quiet" onPress={() => void row.action?.run()}>
          {row.action.label}
        </Button>
      )}
      <IconButton label="Close message" onPress={close}>
        <X />
      </IconButton>
    </div>
  );
}
