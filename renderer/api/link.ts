/**
 * The connection to the registry, kept up:
 *
 *     starting -> signedOut <-> open -> lost -> open      lost tries again after 1, 2, 4, 8, 16, 16 ... seconds
 */
import { AppError } from '../../registry/spec/errors.ts';
import { type Client, createClient } from '../../registry/spec/rpc.ts';
import type { Ending, First, Transport, UploadOptions } from './transport.ts';

export type LinkState =
  /** `isSignedIn`: somebody is logged in, and the connection is made. */
  | { readonly kind: 'starting'; readonly isSignedIn: boolean }
  /** `isDemoted`: who was logged in is no administrator any more. */
  | { readonly kind: 'signedOut'; readonly wasSignedIn: boolean; readonly isDemoted: boolean }
  | { readonly kind: 'open'; readonly user: string; readonly client: Client }
  /** `since` and `retryAt` are milliseconds since the epoch; `ending` where the registry said that it ends. */
  | {
      readonly kind: 'lost';
      readonly since: number;
      readonly retryAt: number;
      readonly ending: Ending | undefined;
    };

export interface Link {
  readonly state: () => LinkState;
  /** Calls whenever the state is another; answers how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The client, once it is open; throws NOT_RUNNING where the connection is lost, or nobody is logged in. */
  client(): Promise<Client>;
  /** Tries now instead of at the time planned. */
  readonly retry: () => void;
  /** Throws as `Transport.logIn` does. */
  logIn(user: string, password: string): Promise<void>;
  logOut(): Promise<void>;
  readonly canLogOut: boolean;
  /** What was answered with the login that the connection is made for; `undefined` where it was made again. */
  readonly first: () => First | undefined;
  downloadUrl(ticket: string): string;
  /** Throws as `Transport.upload` does. */
  upload(file: File, options: UploadOptions): Promise<string>;
}

const longestWaitMs = 16_000;

export function createLink(transport: Transport): Link {
  let state: LinkState = { kind: 'starting', isSignedIn: false };
  const first = Promise.withResolvers<void>();
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lostAt: number | undefined;
  let wasOpen = false;
  let ending: Ending | undefined;
  let isDemoted = false;

  function enter(next: LinkState): void {
    state = next;
    for (const listener of listeners) listener();
    // Whoever hears of the state is served first: events are listened to before anything is asked.
    if (next.kind !== 'starting') first.resolve();
  }

  async function connect(): Promise<void> {
    clearTimeout(timer);
    try {
      const user = await transport.findUser();
      if (user === undefined) return enter({ kind: 'signedOut', wasSignedIn: wasOpen, isDemoted });
      if (state.kind === 'starting') enter({ kind: 'starting', isSignedIn: true });
      const channel = await transport.open();
      const client = createClient(channel);
      channel.onClose(() => {
        ending = channel.ending();
        isDemoted = channel.isDemoted?.() === true;
        void connect();
      });
      failures = 0;
      lostAt = undefined;
      wasOpen = true;
      ending = undefined;
      enter({ kind: 'open', user, client });
    } catch {
      // Why does not matter to the reader: a registry that cannot be reached answers nothing.
      lostAt ??= Date.now();
      const waitMs = Math.min(1000 * 2 ** failures, longestWaitMs);
      failures += 1;
      timer = setTimeout(() => void connect(), waitMs);
      enter({ kind: 'lost', since: lostAt, retryAt: Date.now() + waitMs, ending });
    }
  }

  void connect();
  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async client() {
      await first.promise;
      if (state.kind !== 'open') throw new AppError('NOT_RUNNING');
      return state.client;
    },
    retry: () => void connect(),
    async logIn(user, password) {
      await transport.logIn?.(user, password);
      await connect();
    },
    async logOut() {
      const open = state.kind === 'open' ? state.client : undefined;
      wasOpen = false;
      await transport.logOut?.();
      open?.close();
      enter({ kind: 'signedOut', wasSignedIn: false, isDemoted: false });
    },
    first: () => transport.first?.(),
    canLogOut: transport.logOut !== undefined,
    downloadUrl: (ticket) => transport.downloadUrl(ticket),
    async upload(file, options) {
      if (transport.upload === undefined) throw new Error('files have paths here');
      return await transport.upload(file, options);
    },
  };
}
