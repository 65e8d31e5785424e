import { version } from '../../../registry/version.ts';
import { thisHost } from '../host.ts';
import { runHelper } from './helper-protocol.ts';

/** Answers a client as docker-credential-berth with these arguments, and sets the exit status of this process. */
export async function helperMain(args: readonly string[]): Promise<void> {
  const { code, stdout } = await runHelper(thisHost(process.env), args, { stdin: process.stdin, version });
  process.stdout.write(stdout);
  process.exitCode = code;
}
