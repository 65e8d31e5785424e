/** Short words about what just happened, at the bottom right. Errors stay until they are closed. */
import { X } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { problemOf } from '../messages.ts';
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

let rows: readonly ToastRow[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly ToastRow[]): void {
  rows = next;
  for (const listener of listeners) listener();
}

/** Shows a toast. */
export function toast(options: ToastOptions): void {
  lastId += 1;
  set(withRow(rows, { ...options, id: lastId }));
}

/** Shows what went wrong. */
export function toastError(error: unknown): void {
  const { title, hint } = problemOf(error);
  toast({ kind: 'error', text: `${title} ${hint}` });
}

/** Takes all toasts away. */
export function clearToasts(): void {
  set([]);
}

/** Takes back the last thing that a toast offers to take back; false if there is none. */
export function undoLast(): boolean {
  const last = rows.findLast((row) => row.undo !== undefined);
  if (last === undefined) return false;
  void undo(last);
  return true;
}

function take(row: ToastRow): void {
  set(rows.filter((each) => each.id !== row.id));
}

async function undo(row: ToastRow): Promise<void> {
  take(row);
  await row.undo?.().then(() => toast({ text: 'Undone' }), toastError);
}

/** Where toasts are shown; once, in the frame. */
export function ToastHost() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => rows,
  );
  return (
    <div role="status" aria-live="polite" aria-label="Messages" className={styles['host']}>
      {shown.map((row) => (
        <Toast key={row.id} row={row} />
      ))}
    </div>
  );
}

function Toast({ row }: { readonly row: ToastRow }) {
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
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
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
