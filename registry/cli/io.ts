import type { Readable } from 'node:stream';

/** Where a command reads and writes. */
export interface Io {
  /** Writes to standard output as it is: commands end their lines themselves. */
  readonly out: (text: string) => void;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  readonly stdin: Readable;
  /** A person reads the output on a terminal. */
  readonly isTTY: boolean;
  /** The width of that terminal in characters. */
  readonly columns?: number | undefined;
  /** A person sits before the terminal that standard input and standard error are. */
  readonly canAsk: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}
