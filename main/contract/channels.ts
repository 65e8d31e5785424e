/** What passes between the page, its preload script and the shell, besides the methods of shell-api.ts. */

export const channels = {
  /** The page asks for a method of the shell; answered by a `ShellReply`. */
  invoke: 'berth:invoke',
  /** The page asks for a connection to the registry, and again for the one after it. */
  askPort: 'berth:ask-port',
  /** The connection: a MessagePort, or none while the registry does not run. */
  port: 'berth:port',
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
