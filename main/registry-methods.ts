/** The process of the registry for the window: why it does not run, and what starts it. */
import { AppError } from '../registry/spec/errors.ts';
import type { ProcessRow, registryArguments } from './contract/registry.ts';
import type { MethodsOf } from './contract/shell-api.ts';
import { portArgument } from './registry-messages.ts';
import type { Supervisor, SupervisorState } from './supervisor.ts';

type Process = Pick<Supervisor<unknown>, 'state' | 'start' | 'stop'>;

/** `isMoving`: it is stopped because its data is on the way. */
export function createRegistryMethods(
  process: Process,
  isMoving: () => boolean,
): MethodsOf<typeof registryArguments> {
  return {
    'registry.get': async () => (isMoving() ? { state: 'moving' } : rowOf(process.state())),
    async 'registry.start'() {
      process.start();
      return rowOf(process.state());
    },
    async 'registry.restart'() {
      await process.stop();
      process.start();
      return rowOf(process.state());
    },
    async 'registry.usePort'({ port }) {
      await startOnPort(process, port);
      return rowOf(process.state());
    },
  };
}

/** Starts the registry on another port, which it keeps; one that runs ends its transfers first. Throws USAGE for another's. */
export async function startOnPort(process: Process, port: number): Promise<void> {
  const state = process.state();
  if (state.kind === 'running' && !state.isOwn) {
    throw new AppError('USAGE', {
      message: 'Another program runs the registry, and has its port.',
      hint: 'End that program, or change http.addr where it is configured.',
    });
  }
  // It runs with the port of before, or is just trying to.
  await process.stop();
  process.start([`${portArgument}${port}`]);
}

function rowOf(state: SupervisorState): ProcessRow {
  const { kind } = state;
  const failure = kind === 'waiting' ? state.failure : kind === 'starting' ? state.after : undefined;
  return { state: kind, ...(failure === undefined ? {} : { failure }) };
}
