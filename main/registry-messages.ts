/** What the shell and the process of the registry tell each other. What windows ask goes by ports of their own. */

/** `connect` carries one port, over which the control plane is spoken. */
export type ToRegistry = { readonly kind: 'connect' } | { readonly kind: 'stop' };

export type FromRegistry =
  | ({ readonly kind: 'running' } & RunningFacts)
  /** It could not start, and ends. */
  | ({ readonly kind: 'failed' } & Failure);

export interface RunningFacts {
  readonly urls: readonly string[];
  /** The data directory. */
  readonly root: string;
  /** False where another process held the data directory, and this one passes on what is asked. */
  readonly isOwn: boolean;
}

/** Why it does not run: for people. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}
