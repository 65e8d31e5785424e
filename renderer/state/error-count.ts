/** How many errors lines of the log tell of. Pure. */
import type { LogRecord } from '../../registry/spec/log-record.ts';
import type { Dropped } from '../../registry/spec/rpc.ts';

/** Lines of one request come close to each other. */
const mostKept = 1000;

/** Counts batch after batch; a request that failed counts once, however many of its lines are errors. */
export function createErrorCount(): (items: readonly (LogRecord | Dropped)[]) => number {
  const requests = new Set<string>();

  function countOf(item: LogRecord | Dropped): number {
    if ('dropped' in item) return item.dropped;
    const { 'http.request.id': id } = item.fields;
    if (typeof id !== 'string') return 1;
    if (requests.has(id)) return 0;
    if (requests.size >= mostKept) requests.clear();
    requests.add(id);
    return 1;
  }

  return (items) => items.reduce((sum, item) => sum + countOf(item), 0);
}
