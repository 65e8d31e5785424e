import type { Log } from './log-record.ts';

/** A log of all levels that keeps `event` and fields of what is written to it, a line each. */
export function keepLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const write: Log['info'] = (event, _, fields) =>
    void lines.push(`${event} ${JSON.stringify(fields ?? {})}`);
  const log: Log = {
    error: write,
    warn: write,
    info: write,
    debug: write,
    trace: write,
    enabled: () => true,
    with: () => log,
    for: () => log,
  };
  return { log, lines };
}
