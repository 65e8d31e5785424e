/** Errors on their way from a thread: what a copy of one would lose is told apart. */
export interface Failure {
  readonly error: unknown;
  readonly system: Pick<NodeJS.ErrnoException, 'code' | 'errno' | 'syscall' | 'path'>;
}

export function failureOf(error: unknown): Failure {
  const { code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return { error, system: { code, errno, syscall, path } };
}

/** The error as it was. */
export function errorOf({ error, system }: Failure): unknown {
  return error instanceof Error ? Object.assign(error, system) : error;
}
