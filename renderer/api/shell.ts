import { channels, type NoteMessage, type ShellNote } from '../../main/contract/channels.ts';
import type {
  ShellBridge,
  ShellInput,
  ShellMethod,
  ShellReply,
  ShellResults,
} from '../../main/contract/shell-api.ts';
import { AppError, type ErrorCode, errors } from '../../registry/spec/errors.ts';

/** The program around the window, which can change this computer after consent. */
export interface Shell {
  /** Answers what the method answers, or throws its AppError. */
  call<M extends ShellMethod>(method: M, args: ShellInput<M>): Promise<ShellResults[M]>;
  /** Calls with what it tells unasked; answers how to stop that. */
  onNote(listener: (note: ShellNote) => void): () => void;
}

/** The shell of the desktop; `undefined` in a browser. */
export function findShell(): Shell | undefined {
  const { berthShell: bridge } = globalThis as { readonly berthShell?: ShellBridge };
  if (bridge === undefined) return undefined;
  return {
    async call(method, args) {
      return valueOf(await bridge.invoke(method, args)) as ShellResults[typeof method];
    },
    onNote(listener) {
      const ending = new AbortController();
      window.addEventListener(
        'message',
        ({ source, data }) => {
          if (source === window && isNote(data)) listener(data.note);
        },
        { signal: ending.signal },
      );
      return () => ending.abort();
    },
  };
}

function isNote(data: unknown): data is NoteMessage {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === channels.note;
}

function valueOf(reply: ShellReply): unknown {
  if ('ok' in reply) return reply.ok;
  const { code, message, hint } = reply.error;
  const known = Object.hasOwn(errors, code) ? (code as ErrorCode) : 'UNKNOWN';
  throw new AppError(known, { message, hint });
}
