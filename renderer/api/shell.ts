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
}

/** The shell of the desktop; `undefined` in a browser. */
export function findShell(): Shell | undefined {
  const { berthShell: bridge } = globalThis as { readonly berthShell?: ShellBridge };
  if (bridge === undefined) return undefined;
  return {
    async call(method, args) {
      return valueOf(await bridge.invoke(method, args)) as ShellResults[typeof method];
    },
  };
}

function valueOf(reply: ShellReply): unknown {
  if ('ok' in reply) return reply.ok;
  const { code, message, hint } = reply.error;
  const known = Object.hasOwn(errors, code) ? (code as ErrorCode) : 'UNKNOWN';
  throw new AppError(known, { message, hint });
}
