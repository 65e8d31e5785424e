/**
 * Keeps one process running:
 *
 *     stopped --start--> starting --running--> running --stop--> stopping --exit--> stopped
 *                           ^  |                  |
 *                           |  +--failed, exit----+--exit--> waiting     starting and stopping end in the same way
 *                           +---------- after a delay ----------+
 *
 * The delay is short at first and doubles with each end that follows within a minute: up to 30 seconds for what does not
 * start, and under half of one for what did run, whose users wait. A process that ends by itself with status 0 was asked to by
 * somebody else, and stays ended.
 */
import type { Failure, FromRegistry, PortRequest, RunningFacts, ToRegistry } from './registry-messages.ts';

/** A process that was started. `P` is what a port is. */
export interface Child<P> {
  readonly pid: number | undefined;
  post(message: ToRegistry, port?: P): void;
  onMessage(listener: (message: FromRegistry) => void): void;
  /** `said`: the end of what it wrote to standard error. */
  onExit(listener: (status: number, said: string) => void): void;
  kill(): void;
}

export type SupervisorState =
  | { readonly kind: 'stopped' }
  /** `after`: why the one before ended. */
  | { readonly kind: 'starting'; readonly after?: Failure }
  | ({ readonly kind: 'running'; readonly pid: number | undefined } & RunningFacts)
  | { readonly kind: 'stopping' }
  /** Started again at `retryAt`, in ms since the epoch. */
  | { readonly kind: 'waiting'; readonly failure: Failure; readonly retryAt: number };

export interface Supervisor<P> {
  readonly state: () => SupervisorState;
  /** Starts it unless it runs; at once where it waits. This once with these arguments. */
  start(args?: readonly string[]): void;
  /** Asks it to end, and resolves when it has; nothing starts it again but `start`. */
  stop(): Promise<void>;
  /** Ends a process that does not answer, as if it had crashed. */
  replace(): void;
  /** Gives it a port to serve, and says for what; false while it does not run. */
  connect(port: P, request?: PortRequest): boolean;
}

export interface SupervisorOptions<P> {
  readonly fork: (args: readonly string[]) => Child<P>;
  readonly onState: (state: SupervisorState) => void;
  /** How long a stop may take before the process is killed: transfers get time to finish. */
  readonly stopTimeoutMs?: number;
}

const firstDelayMs = 100;
const longestDelayMs = 30_000;
/** What has run waits 400 ms at most. */
const failuresOfRunner = 2;
const calmMs = 60_000;

export function createSupervisor<P>({
  fork,
  onState,
  stopTimeoutMs = 30_000,
}: SupervisorOptions<P>): Supervisor<P> {
  let state: SupervisorState = { kind: 'stopped' };
  let child: Child<P> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let ended: PromiseWithResolvers<void> | undefined;

  function enter(next: SupervisorState): void {
    state = next;
    onState(next);
  }

  function begin({
    after,
    args = [],
  }: {
    readonly after?: Failure;
    readonly args?: readonly string[];
  }): void {
    clearTimeout(timer);
    const startedAt = Date.now();
    let failure: Failure | undefined;
    const started = fork(args);
    child = started;
    enter({ kind: 'starting', ...(after === undefined ? {} : { after }) });
    started.onMessage((message) => {
      if (message.kind === 'failed') {
        const { kind: _, ...why } = message;
        failure = why;
        return started.post({ kind: 'stop' });
      }
      if (state.kind !== 'starting') return;
      failures = Math.min(failures, failuresOfRunner);
      enter({ ...message, pid: started.pid });
    });
    started.onExit((status, said) => {
      child = undefined;
      if (state.kind === 'stopping' || (status === 0 && failure === undefined)) {
        failures = 0;
        enter({ kind: 'stopped' });
        return ended?.resolve();
      }
      if (Date.now() - startedAt > calmMs) failures = 0;
      const delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
      failures += 1;
      const why = failure ?? crashOf(status, said);
      timer = setTimeout(() => begin({ after: why }), delayMs);
      enter({ kind: 'waiting', failure: why, retryAt: Date.now() + delayMs });
    });
  }

  return {
    state: () => state,
    start(args = []) {
      if (child === undefined) begin({ args });
    },
    async stop() {
      clearTimeout(timer);
      if (child === undefined) {
        if (state.kind !== 'stopped') enter({ kind: 'stopped' });
        return;
      }
      ended ??= Promise.withResolvers();
      if (state.kind !== 'stopping') {
        child.post({ kind: 'stop' });
        enter({ kind: 'stopping' });
      }
      const overdue = setTimeout(() => child?.kill(), stopTimeoutMs);
      await ended.promise;
      clearTimeout(overdue);
      ended = undefined;
    },
    replace: () => child?.kill(),
    connect(port, request = { kind: 'connect' }) {
      if (state.kind !== 'running' || child === undefined) return false;
      child.post(request, port);
      return true;
    },
  };
}

function crashOf(status: number, said: string): Failure {
  const [, fault] = /ends by a fault of its own: ([^\n]*)/.exec(said) ?? [];
  return {
    code: 'REGISTRY_ENDED',
    message: `The registry ended unexpectedly${fault === undefined ? `, with status ${status}` : `: ${fault}`}.`,
    hint: 'It is started again by itself. The log has more.',
  };
}
