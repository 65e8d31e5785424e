/** Levels that fall back by themselves: debug for a quarter of an hour, then as before. Ends with the process. */
import type { RevertRow } from '../spec/admin/process.ts';
import { type Level, type Subsystem, subsystems } from '../spec/log-record.ts';
import type { Logger } from './logger.ts';

export interface Reverts extends Disposable {
  /** Sets a level, for `forMs` milliseconds or for good. What was to fall back before is forgotten, its level kept. */
  set(sys: Subsystem | 'all', level: Level, forMs?: number): void;
  /** What falls back, to what and when. */
  list(): Readonly<Record<string, RevertRow>>;
}

interface Pending {
  readonly level: Level;
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

/** Makes the timers of a logger; `onRevert` is called after a level fell back. */
export function createReverts(
  log: Pick<Logger, 'levels' | 'setLevel'>,
  onRevert: (sys: Subsystem, level: Level) => void,
  now: () => number = Date.now,
): Reverts {
  const pending = new Map<Subsystem, Pending>();

  function setOne(sys: Subsystem, level: Level, forMs: number | undefined): void {
    const before = pending.get(sys);
    clearTimeout(before?.timer);
    pending.delete(sys);
    const back = before?.level ?? log.levels()[sys];
    log.setLevel(sys, level);
    if (forMs === undefined || back === level) return;
    const timer = setTimeout(() => {
      pending.delete(sys);
      log.setLevel(sys, back);
      onRevert(sys, back);
    }, forMs).unref();
    pending.set(sys, { level: back, at: now() + forMs, timer });
  }

  return {
    set(sys, level, forMs) {
      for (const each of sys === 'all' ? subsystems : [sys]) setOne(each, level, forMs);
    },
    list: () =>
      Object.fromEntries(
        [...pending].map(([sys, { level, at }]) => [sys, { level, at: new Date(at).toISOString() }]),
      ),
    [Symbol.dispose]() {
      for (const { timer } of pending.values()) clearTimeout(timer);
    },
  };
}
