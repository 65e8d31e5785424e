/** The process of the registry for the window: why it does not run, and what starts it. */
import { AppError } from '../registry/spec/errors.ts';
import type { ProcessRow, registryArguments } from './contract/registry.ts';
import type { MethodsOf } from './contract/shell-api.ts';
import { portArgument } from './registry-messages.ts';
import type { Supervisor, SupervisorState } from './supervisor.ts';

type Process = Pick<Supervisor<unknown>, 'state' | 'start' | 'stop'>;

export function createRegistryMethods(process: Process): MethodsOf<typeof registryArguments> {
  return {
    'registry.get': async () => rowOf(process.state()),
    async 'registry.start'() {
      process.start();
      return rowOf(process.state());
    },
    async 'registry.usePort'({ port }) {
      await startOnPort(process, port);
      return rowOf(process.state());
    },
  };
}

/** Starts a registry that does not run on another port, which it keeps. Throws USAGE where it runs. */
export async function startOnPort(process: Process, port: number): Promise<void> {
  if (process.state().kind === 'running') {
    throw new AppError('USAGE', {
      message: 'The registry runs, and has a port.',
      hint: 'Change http.addr in the settings, and restart it.',
    });
  }
  // It may just be trying again with the port of before.
  await process.stop();
  process.start([`${portArgument}${port}`]);
}

function rowOf(state: SupervisorState): ProcessRow {
  const { kind } = state;
  const failure = kind === 'waiting' ? state.failure : kind === 'starting' ? state.after : undefined;
  return { state: kind, ...(failure === undefined ? {} : { failure }) };
}
