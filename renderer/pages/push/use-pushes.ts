import { useEffect, useRef, useState } from 'react';
import { isAppError } from '../../../registry/spec/errors.ts';
import type { Shell } from '../../api/shell.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import type { TargetName } from './target-name.ts';

export interface WantedPush extends TargetName {
  readonly engine: string;
  readonly image: string;
  /** As the engine calls it. */
  readonly from: string;
}

export interface PushRow extends WantedPush {
  readonly id: string;
  readonly state: 'waiting' | 'pushing' | 'done' | 'failed' | 'cancelled';
  readonly error?: unknown;
}

export interface Pushes {
  readonly rows: readonly PushRow[];
  readonly isRunning: boolean;
  readonly start: (wanted: readonly WantedPush[]) => void;
  /** Ends the push that runs, and leaves those that wait. */
  readonly cancel: () => void;
  readonly clear: () => void;
}

/** Pushes one image after the other: an engine sends several layers at once by itself. They go on when nobody looks. */
export function usePushes(shell: Shell): Pushes {
  const [rows, setRows] = useState<readonly PushRow[]>([]);
  const isCancelled = useRef(false);
  const running = useRef<string>(undefined);
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);

  async function push(row: PushRow): Promise<Pick<PushRow, 'state' | 'error'>> {
    if (isCancelled.current) return { state: 'cancelled' };
    running.current = row.id;
    const { id, engine, image, repository, tag } = row;
    try {
      await shell.call('images.push', { push: id, engine, image, repository, tag });
      if (!isShown.current) toast({ text: `${repository}:${tag} is pushed` });
      return { state: 'done' };
    } catch (error) {
      if (isAppError(error, 'CANCELLED')) return { state: 'cancelled' };
      if (!isShown.current) toastError(error);
      return { state: 'failed', error };
    } finally {
      running.current = undefined;
    }
  }

  async function pushAll(wanted: readonly PushRow[]): Promise<void> {
    const update = (id: string, change: Pick<PushRow, 'state' | 'error'>): void =>
      setRows((former) => former.map((row) => (row.id === id ? { ...row, ...change } : row)));
    for (const row of wanted) {
      if (!isCancelled.current) update(row.id, { state: 'pushing' });
      update(row.id, await push(row));
    }
  }

  return {
    rows,
    isRunning: rows.some(({ state }) => state === 'waiting' || state === 'pushing'),
    start(wanted) {
      isCancelled.current = false;
      const next = wanted.map((one): PushRow => ({ ...one, id: crypto.randomUUID(), state: 'waiting' }));
      setRows(next);
      void pushAll(next);
    },
    cancel() {
      isCancelled.current = true;
      const id = running.current;
      if (id !== undefined) void shell.call('images.cancel', { push: id }).catch(toastError);
    },
    clear: () => setRows([]),
  };
}
