/** What passes between the page, its preload script and the shell, besides the methods of shell-api.ts. */

export const channels = {
  /** The page asks for a method of the shell; answered by a `ShellReply`. */
  invoke: 'berth:invoke',
  /** The page asks for a connection to the registry, and again for the one after it. */
  askPort: 'berth:ask-port',
  /** The connection: a MessagePort, or none while the registry does not run. */
  port: 'berth:port',
  /** Files were dropped on the page: their paths, which only the preload script sees. */
  drop: 'berth:drop',
  /** The shell tells the page something unasked: a `ShellNote`. */
  note: 'berth:note',
} as const;

/** What the preload script puts on the page as `berthPorts`. The answer is a message to the window: `PortMessage`. */
export interface PortBridge {
  ask(): void;
}

/**
 * With a port there is a connection, without one there is none. Both also come unasked: when the registry is back, and when
 * it has ended.
 */
export interface PortMessage {
  readonly kind: typeof channels.port;
}

/** What the shell tells unasked. */
export type ShellNote =
  /** What this method answers is another from now on. */
  | { readonly kind: 'changed'; readonly method: string }
  /** Files wait to be imported: `files.pickBundles` takes them. */
  | { readonly kind: 'given' }
  /** A download is complete; `id` is for `files.reveal`. */
  | { readonly kind: 'saved'; readonly id: string; readonly name: string }
  | { readonly kind: 'notSaved'; readonly name: string };

/** A note as it arrives at the window. */
export interface NoteMessage {
  readonly kind: typeof channels.note;
  readonly note: ShellNote;
}
