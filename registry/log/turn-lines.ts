/**
 * The lines of one turn of the event loop as one text: a busy registry answers many requests in a turn, and a call of the
 * system for each of their lines costs as much as making the line. What waits when the process ends, by `process.exit` or
 * an error that nobody caught, is written then.
 */
export interface TurnLines extends Disposable {
  /** Takes a line with its line feed. */
  write(line: string): void;
}

/** Makes the writer. Disposing writes what waits. */
export function createTurnLines(write: (lines: string) => void): TurnLines {
  let waiting = '';

  const flush = (): void => {
    if (waiting === '') return;
    const lines = waiting;
    waiting = '';
    write(lines);
  };
  // Before the listeners of earlier ones: a log file that the lines go to writes its own last lines then.
  process.prependOnceListener('exit', flush);

  return {
    write(line) {
      if (waiting === '') setImmediate(flush);
      waiting += line;
    },
    [Symbol.dispose]() {
      process.off('exit', flush);
      flush();
    },
  };
}
