/** Lines of the log files, put before those that the window has. */
import type { AdminInput, AdminResults } from '../../../registry/spec/admin-api.ts';
import { type FieldValue, levels, type LogRecord, subsystems } from '../../../registry/spec/log-record.ts';
import type { LogStore } from '../../state/logs.ts';

type Export = (args: AdminInput<'logs.export'>) => Promise<AdminResults['logs.export']>;

const hourMs = 60 * 60 * 1000;
const steps = [hourMs, 24 * hourMs, Number.POSITIVE_INFINITY] as const;
const mostRecords = 50_000;

/**
 * Loads what was written in the hour before the first line; where there is nothing, in the day before, or ever. Of a
 * request everything is loaded. Answers how many lines came.
 */
export async function loadEarlier(store: LogStore, ask: Export, requestId?: string): Promise<number> {
  const before = store.list.first()?.at ?? Date.now();
  const room = mostRecords - store.list.size();
  if (room === 0) return 0;
  for (const step of requestId === undefined ? steps : steps.slice(-1)) {
    const since = Math.max(0, before - step);
    const records = await read(ask, { before, room, since, requestId });
    if (records.length === 0) continue;
    const gap =
      requestId === undefined ? [] : [{ at: before, gap: 'Lines of other requests are not loaded here' }];
    return store.prepend([...records, ...gap]);
  }
  return 0;
}

async function read(
  ask: Export,
  {
    before,
    room,
    since,
    requestId,
  }: {
    readonly before: number;
    readonly room: number;
    readonly since: number;
    readonly requestId: string | undefined;
  },
): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = [];
  let after: string | undefined;
  do {
    const page = await ask({
      level: 'trace',
      format: 'json',
      since: new Date(since).toISOString(),
      after,
      requestId,
    });
    const records = page.lines.map(parseLine).filter((record) => record !== undefined);
    found.push(...records.filter(({ at }) => at < before));
    if (found.length > room) found.splice(0, found.length - room);
    if (records.some(({ at }) => at >= before)) break;
    after = page.next;
  } while (after !== undefined);
  return found;
}

function parseLine(line: string): LogRecord | undefined {
  const { time, level: shown, msg, sys, event, ...fields } = JSON.parse(line) as Record<string, FieldValue>;
  const at = Date.parse(String(time));
  const level = levels.find((each) => each === (shown === 'warning' ? 'warn' : shown));
  const part = subsystems.find((each) => each === sys);
  if (Number.isNaN(at) || level === undefined || part === undefined) return undefined;
  return { at, level, sys: part, event: String(event), msg: String(msg), fields };
}
