/** What the shell and the process of the registry tell each other. What windows ask goes by ports of their own. */

/** Begins the argument of a process that shall write another port into the configuration, and listen there. */
export const portArgument = '--port=';

/** Begins the argument that names the data directory, where the app keeps it at another place than the default one. */
export const dataArgument = '--data=';

/** Both carry one port: the control plane is spoken over it, or a file sent. */
export type PortRequest =
  { readonly kind: 'connect' } | { readonly kind: 'download'; readonly ticket: string };

export type ToRegistry = PortRequest | { readonly kind: 'stop' };

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
  /** The user that was made by this start, whose password is in the file of first passwords. */
  readonly firstUser?: string;
}

/** Why it does not run: for people. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** Of PORT_BUSY: the next port that is free, where the configuration can be given one. */
  readonly freePort?: number;
}
