/**
 * The service log. A call tests the level first, so that a silent level costs one comparison; then the record is
 * built, redacted once, kept in the ring and written as a line: at once, or with those of the next milliseconds.
 */

import { createFormatter } from './formatter.ts';
import type { Gathering } from './gathering.ts';
import type { LineFormat } from '../spec/log-line.ts';
import { levels, subsystems } from '../spec/log-record.ts';
import type { FieldValue, Level, Log, LogRecord, Subsystem } from '../spec/log-record.ts';
import { redactFields, redactRecord } from './redact.ts';
import type { Ring } from './ring.ts';

export interface LoggerOptions {
  /** `all` is the level of every subsystem that is not named; `info` if absent. */
  readonly levels?: Readonly<Partial<Record<Subsystem | 'all', Level>>>;
  readonly formatter?: LineFormat;
  /** On every line, not in the ring: service, version, instance.id, node.version, log.fields. */
  readonly fields?: Readonly<Record<string, FieldValue>>;
  /** Takes lines with their line feeds. */
  readonly write: (lines: string) => void;
  /** Where records wait to be written together, up to the next error or warning; absent: each is written at once. */
  readonly gather?: (
    write: (records: readonly LogRecord[]) => void,
  ) => Pick<Gathering<LogRecord>, 'add' | 'flush'>;
  readonly ring?: Ring;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Logger extends Log {
  /** Sets the level of one subsystem or of all, for records from here on. */
  setLevel(sys: Subsystem | 'all', level: Level): void;
  levels(): Readonly<Record<Subsystem, Level>>;
  /** Writes what waits. */
  flush(): void;
}

const none: Readonly<Record<string, FieldValue>> = {};
/** Warnings and errors. */
const serious = 1;

/** Makes the log of the process. The log itself speaks for the subsystem `admin`; see `for`. */
export function createLogger(options: LoggerOptions): Logger {
  const { formatter = 'text', write, ring, now = Date.now } = options;
  const format = createFormatter(formatter, redactFields(options.fields ?? {}));
  const threshold = Object.fromEntries(
    subsystems.map((sys) => [sys, levels.indexOf(options.levels?.[sys] ?? options.levels?.all ?? 'info')]),
  ) as Record<Subsystem, number>;

  const writeAll = (records: readonly LogRecord[]): void => {
    let lines = '';
    for (const record of records) {
      const safe = redactRecord(record);
      ring?.push(safe);
      lines += format(safe);
    }
    write(lines);
  };
  const gathering = options.gather?.(writeAll);

  const emit = (record: LogRecord, rank: number): void => {
    if (gathering === undefined) writeAll([record]);
    else {
      gathering.add(record);
      if (rank <= serious) gathering.flush();
    }
  };

  const logFor = (sys: Subsystem, bound: Readonly<Record<string, FieldValue>>): Log => {
    const isBound = Object.keys(bound).length > 0;
    const at =
      (level: Level, rank: number): Log['info'] =>
      (event, msg, fields = none) => {
        if (rank > threshold[sys]) return;
        emit({ at: now(), level, sys, event, msg, fields: isBound ? { ...bound, ...fields } : fields }, rank);
      };
    return {
      error: at('error', 0),
      warn: at('warn', 1),
      info: at('info', 2),
      debug: at('debug', 3),
      trace: at('trace', 4),
      enabled: (level) => levels.indexOf(level) <= threshold[sys],
      with: (fields) => logFor(sys, { ...bound, ...fields }),
      for: (other) => logFor(other, bound),
    };
  };

  return {
    ...logFor('admin', {}),
    setLevel(sys, level) {
      for (const each of sys === 'all' ? subsystems : [sys]) threshold[each] = levels.indexOf(level);
    },
    levels: () =>
      Object.fromEntries(subsystems.map((sys) => [sys, levels[threshold[sys]] ?? 'info'])) as Record<
        Subsystem,
        Level
      >,
    flush: () => gathering?.flush(),
  };
}
