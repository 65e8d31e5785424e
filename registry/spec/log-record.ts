/** The levels of the log, the most serious first. */
export const levels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type Level = (typeof levels)[number];

/** The parts of the registry whose level can be set on its own. */
export const subsystems = ['http', 'auth', 'store', 'driver', 'tls', 'admin', 'jobs', 'engine'] as const;
export type Subsystem = (typeof subsystems)[number];

/** What a field of a record may hold. `undefined` fields are left out. */
export type FieldValue = string | number | boolean | readonly string[] | undefined;

/** One line of the log before it is rendered. `at` is milliseconds since the epoch. */
export interface LogRecord {
  readonly at: number;
  readonly level: Level;
  readonly sys: Subsystem;
  readonly event: string;
  readonly msg: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

type Write = (event: string, msg: string, fields?: Readonly<Record<string, FieldValue>>) => void;

/**
 * What code that logs sees. `event` is a stable camel-case name in the past tense (`uploadStarted`), `msg` the
 * sentence or a message that parsers of distribution's log know. Test `enabled` before building costly fields.
 */
export interface Log {
  readonly error: Write;
  readonly warn: Write;
  readonly info: Write;
  readonly debug: Write;
  readonly trace: Write;
  enabled(level: Level): boolean;
  /** A log whose records carry these fields as well. */
  with(fields: Readonly<Record<string, FieldValue>>): Log;
  /** The same log under another subsystem. */
  for(sys: Subsystem): Log;
}
