/** The command line as a person uses it, in the environment of the tests. */
import assert from 'node:assert/strict';
import { cli } from './cli.ts';
import { run, type RunResult } from './process.ts';

export interface Berth {
  /** Runs a verb and answers how it ended. */
  try(...args: readonly string[]): Promise<RunResult>;
  /** Runs a verb that must end with 0, and answers its standard output. */
  run(...args: readonly string[]): Promise<string>;
  /** Runs a verb that changes the computer: looks at its plan first, then agrees to exactly that one. */
  agree(...args: readonly string[]): Promise<string>;
  json(...args: readonly string[]): Promise<unknown>;
}

/** A command line on one data directory. */
export function berthOn(dataDir: string, env: Readonly<Record<string, string>> = {}): Berth {
  const attempt = (...args: readonly string[]): Promise<RunResult> =>
    run(process.execPath, [cli, ...args, '--data', dataDir], { env });
  const succeed = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await attempt(...args);
    assert.equal(code, 0, `berth ${args.join(' ')}: ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    try: attempt,
    run: succeed,
    json: async (...args) => JSON.parse(await succeed(...args, '--json')) as unknown,
    async agree(...args) {
      const { plan, changes } = JSON.parse(await succeed(...args, '--dry-run', '--json')) as {
        readonly plan: string;
        readonly changes: readonly unknown[];
      };
      assert.ok(changes.length > 0, 'nothing was planned');
      return await succeed(...args, '--yes', '--plan', plan);
    },
  };
}
