/** Which records of the log somebody wants to see. */
import { setFlagsFromString } from 'node:v8';
import { AppError } from '../spec/errors.ts';
import { formatRecord } from '../spec/log-line.ts';
import { type Level, levels, type LogRecord, type Subsystem } from '../spec/log-record.ts';

export interface RecordFilter {
  /** This level and the more serious ones. */
  readonly level: Level;
  readonly sys?: Subsystem | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  /** RFC 3339; what was written at that very time is wanted, too. */
  readonly until?: string | undefined;
  /** First requests of clients without a login. */
  readonly challenges?: boolean | undefined;
  readonly requestId?: string | undefined;
  /** A part of the line as text, or `/a regular expression/` with the flag `i` or none. */
  readonly grep?: string | undefined;
}

/**
 * Makes the test of records.
 * @throws AppError USAGE for a regular expression that is broken, or that cannot be run in linear time
 */
export function recordFilter({
  level,
  sys,
  since,
  until,
  challenges = true,
  requestId,
  grep,
}: RecordFilter): (record: LogRecord) => boolean {
  const most = levels.indexOf(level);
  const sinceMs = since === undefined ? 0 : Date.parse(since);
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  const isFound = grep === undefined || grep === '' ? undefined : lineTest(grep);
  return (record) =>
    levels.indexOf(record.level) <= most &&
    record.at >= sinceMs &&
    record.at <= untilMs &&
    (challenges || record.event !== 'challenge') &&
    (sys === undefined || record.sys === sys) &&
    (requestId === undefined || record.fields['http.request.id'] === requestId) &&
    (isFound === undefined || isFound(formatRecord(record, 'text').slice(0, -1)));
}

function lineTest(grep: string): (line: string) => boolean {
  const [, source, flags = ''] = /^\/(.+)\/(i?)$/.exec(grep) ?? [];
  if (source === undefined) return (line) => line.includes(grep);
  // The engine that never goes back: a pattern of a stranger must not hold up the registry.
  setFlagsFromString('--enable-experimental-regexp-engine');
  try {
    // That engine has no letter case to ignore: small letters are looked for in small letters.
    const isAnyCase = flags === 'i';
    const pattern = new RegExp(isAnyCase ? source.replaceAll(/\\.|[^\\]/gs, smaller) : source, linear);
    return (line) => pattern.test(isAnyCase ? line.toLowerCase() : line);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('USAGE', {
      message: `The pattern ${grep} cannot be used: ${reason.replace(/^.*: /, '')}.`,
      hint: 'Back references and looking around are not supported. Without slashes a text is looked for as it is.',
      cause,
    });
  }
}

/** A flag of V8: run in linear time, or refuse the pattern. */
const linear = 'l';

/** What stands behind a backslash is no letter: `\S` is another class than `\s`. */
function smaller(part: string): string {
  return part.startsWith('\\') ? part : part.toLowerCase();
}
