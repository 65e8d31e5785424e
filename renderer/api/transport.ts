/** How the window reaches the registry: from a page by HTTPS and a WebSocket, from the desktop by a port. */
import type { FirstQuestion } from '../../registry/spec/first-questions.ts';
import type { Channel } from '../../registry/spec/rpc.ts';

/** The registry has ended, and said so. */
export interface Ending {
  /** Who asked it to; absent where nobody is known. */
  readonly by?: string;
}

/** A channel that knows, once it is closed, whether the registry has ended. */
export interface TransportChannel extends Channel {
  readonly ending: () => Ending | undefined;
  /** It was closed because whoever is logged in is no administrator any more; absent where nobody logs in. */
  readonly isDemoted?: () => boolean;
}

export interface First {
  /** The feed is read from here on. */
  readonly seq: number;
  /** `null` is no answer. */
  readonly answers: readonly (readonly [question: FirstQuestion, answer: unknown])[];
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly progress: (done: number) => void;
}

export interface Transport {
  /** Who is logged in; `undefined` for nobody. Throws where the registry cannot be reached. */
  findUser(): Promise<string | undefined>;
  /** What was answered together with that, the last time. */
  readonly first?: () => First | undefined;
  /**
   * Begins a session. Absent where nobody has to log in.
   * @throws AppError UNAUTHORIZED, DENIED, TOO_MANY_LOGINS
   */
  readonly logIn?: (user: string, password: string) => Promise<void>;
  readonly logOut?: () => Promise<void>;
  /** Where a ticket of the control plane can be fetched. */
  downloadUrl(ticket: string): string;
  /**
   * Sends a file that is to be imported, and answers the name that `bundles.inspect` knows it by. Absent where files have
   * paths. `progress` is told the bytes that are sent.
   * @throws AppError STORAGE_FULL, STORAGE_READ_ONLY, NOT_RUNNING where the connection broke off
   */
  readonly upload?: (file: File, options: UploadOptions) => Promise<string>;
  /** A channel to the control plane, open. Rejects where there is none. */
  open(): Promise<TransportChannel>;
}
