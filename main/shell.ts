/** Answers what a page asks of the shell: the arguments come from a page and are checked. */
import { AppError, isAppError } from '../registry/spec/errors.ts';
import { type MethodsOf, shellArguments, type ShellMethod, type ShellReply } from './contract/shell-api.ts';

export type ShellMethods = MethodsOf<typeof shellArguments>;

/** It never rejects but by a fault of the program. */
export type Shell = (method: string, args: unknown) => Promise<ShellReply>;

export function createShell(methods: Partial<ShellMethods>): Shell {
  return async (method, args) => {
    try {
      return { ok: await call(methods, method, args) };
    } catch (error) {
      if (!isAppError(error)) throw error;
      return { error: { code: error.code, message: error.message, hint: error.hint } };
    }
  };
}

async function call(methods: Partial<ShellMethods>, method: string, args: unknown): Promise<unknown> {
  const known = (Object.keys(shellArguments) as ShellMethod[]).find((each) => each === method);
  const answer = known && (methods[known] as ((given: unknown) => Promise<unknown>) | undefined);
  if (known === undefined || answer === undefined)
    throw new AppError('USAGE', { message: `There is no method ${method}.` });
  const parsed = shellArguments[known].safeParse(args);
  if (!parsed.success) throw new AppError('USAGE', { message: `${method}: ${parsed.error.message}` });
  return await answer(parsed.data);
}
