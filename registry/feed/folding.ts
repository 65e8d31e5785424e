import type { AuditEvent, AuditEvents } from '../spec/events.ts';

/** Events of one key on their way into the audit: the first is noted at once, those that follow soon as their number. */
export interface Folding extends AsyncDisposable {
  note(key: string, event: AuditEvent): void;
}

interface Folded {
  readonly event: AuditEvent;
  count: number;
  readonly timer: NodeJS.Timeout;
}

const mostFolded = 1000;

/** `foldMs` is how long after the first one they are counted. Disposing notes what was counted and not noted yet. */
export function createFolding({ audited }: AuditEvents, { foldMs }: { readonly foldMs: number }): Folding {
  const folded = new Map<string, Folded>();
  const writing = new Set<Promise<void>>();

  function write(event: AuditEvent): void {
    const done = audited(event).finally(() => writing.delete(done));
    writing.add(done);
  }

  function close(key: string): void {
    const entry = folded.get(key);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    folded.delete(key);
    if (entry.count > 0) write({ ...entry.event, count: entry.count });
  }

  return {
    note(key, event) {
      const known = folded.get(key);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      if (folded.size >= mostFolded) close([...folded.keys()][0] ?? '');
      folded.set(key, { event, count: 0, timer: setTimeout(() => close(key), foldMs).unref() });
      write(event);
    },
    async [Symbol.asyncDispose]() {
      for (const key of folded.keys()) close(key);
      await Promise.all(writing);
    },
  };
}
