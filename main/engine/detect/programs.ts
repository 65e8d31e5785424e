/** Runs the programs of engines, to ask them what they are. */
import { systemCode } from '../../../registry/disk/private-file.ts';
import type { Host } from '../host.ts';

export interface ProgramAnswer {
  readonly stdout: string;
  /** Why the program says nothing useful, in one sentence; `undefined` when it ended well. */
  readonly problem?: string;
}

/**
 * Runs a program to its end; `undefined` if there is none of that name. A program that fails, hangs or cannot be started
 * is an answer with a problem. Rejects only when `signal` is aborted.
 */
export async function askProgram(
  host: Host,
  program: string,
  args: readonly string[],
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<ProgramAnswer | undefined> {
  try {
    const result = await host.run(program, args, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    if (result === undefined) return undefined;
    const { code, stdout, stderr } = result;
    if (code === 0) return { stdout };
    if (code === undefined) return { stdout, problem: `${program} does not answer within ${timeoutMs} ms.` };
    const [said = ''] = stderr.trim().split('\n').slice(-1);
    return { stdout, problem: `${program} fails: ${said.slice(0, 300)}` };
  } catch (error) {
    signal?.throwIfAborted();
    const code = systemCode(error);
    if (code === undefined) throw error;
    return { stdout: '', problem: `${program} cannot be started: ${code}.` };
  }
}
