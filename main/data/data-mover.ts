/**
 * Moves the data directory. What is on the disk decides, whenever the computer stops:
 *
 *     rest = NEW        the old is in use; what is at NEW is a part, or a copy that nobody used
 *     copied, checked   by a process of its own, which holds the lock of the old one; the registry is stopped
 *     path = NEW, other = OLD, no rest     one write: from here on NEW is in use, and OLD is kept until a person says
 *
 * Removing a directory is the same backwards: it is `rest`, no longer `other`, before the first file goes.
 */
import { findDataIn } from '../../registry/disk/lock.ts';
import { AppError, isAppError } from '../../registry/spec/errors.ts';
import type { DataMove } from '../contract/data.ts';
import type { Failure } from '../registry-messages.ts';
import type { DataSize } from './data-tree.ts';
import type { DataTask } from './data-messages.ts';
import type { DataPlace } from './data-place.ts';

/** Throws what keeps it from its end, and when the signal cuts it off. */
export type RunTask = (
  task: DataTask,
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress: (done: { readonly files: number; readonly bytes: number }) => void;
  },
) => Promise<void>;

export interface DataMoverOptions {
  readonly place: DataPlace;
  readonly registry: { stop(): Promise<void>; start(): void };
  readonly runTask: RunTask;
  /** The data is at another place now; has to keep what the app knows by the path of the data directory. */
  readonly onMoved: (from: string, to: string) => Promise<void>;
  /** `state` answers something else. */
  readonly onChange: () => void;
}

export interface MoverState {
  readonly move?: DataMove;
  readonly failure?: Failure;
}

export interface DataMover {
  state(): MoverState;
  /** Nothing else may start the registry meanwhile. */
  isBusy(): boolean;
  /** Takes up what a crash has left. The registry can run meanwhile. */
  tidy(): Promise<void>;
  /** Copies the data there, and uses it from then on. Never rejects: `state` says why it did not. */
  move(to: string, size: DataSize): Promise<void>;
  /** Uses a directory as it is, and keeps the present one as the other; one that was just begun goes in its place. */
  use(path: string): Promise<void>;
  /** The present directory was begun by `use` since the app was started, in a place where there was none. */
  isBegun(): boolean;
  useOther(): Promise<void>;
  removeOther(): Promise<void>;
  /** Resolves when everything is as before. */
  cancel(): Promise<void>;
  forgetFailure(): void;
}

export function createDataMover({
  place,
  registry,
  runTask,
  onMoved,
  onChange,
}: DataMoverOptions): DataMover {
  let state: MoverState = {};
  let running: { readonly ending: AbortController; readonly ended: Promise<void> } | undefined;
  let isCommitted = false;
  let begun: string | undefined;

  function enter(next: MoverState): void {
    state = next;
    onChange();
  }

  function step(what: DataMove['step'], to: string, size?: DataSize, done = { files: 0, bytes: 0 }): void {
    enter({
      move: {
        step: what,
        to,
        files: size?.files ?? 0,
        bytes: size?.bytes ?? 0,
        doneFiles: done.files,
        doneBytes: done.bytes,
      },
    });
  }

  /** One at a time; `act` leaves the state of the end behind. */
  async function inTurn(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (running !== undefined)
      throw new AppError('UNAVAILABLE', { message: 'The data directory is just being moved or removed.' });
    const ending = new AbortController();
    const ended = Promise.withResolvers<void>();
    running = { ending, ended: ended.promise };
    isCommitted = false;
    try {
      await act(ending.signal);
    } finally {
      running = undefined;
      if (state.move !== undefined) enter({});
      ended.resolve();
    }
  }

  async function copy(to: string, size: DataSize, signal: AbortSignal): Promise<void> {
    const from = place.path();
    step('stopping', to, size);
    await registry.stop();
    await place.set({ rest: to });
    signal.throwIfAborted();
    step('copying', to, size);
    await runTask(
      { kind: 'copy', from, to },
      { signal, onProgress: (done) => step('copying', to, size, done) },
    );
    signal.throwIfAborted();
    await onMoved(from, to);
    await place.set({ path: to, other: from, rest: undefined });
    isCommitted = true;
    step('starting', to, size, size);
  }

  async function clear(path: string, signal?: AbortSignal): Promise<void> {
    await runTask(
      { kind: 'remove', path },
      { ...(signal === undefined ? {} : { signal }), onProgress: () => undefined },
    );
    await place.set({ rest: undefined });
  }

  /** Where it fails, the next start takes up what is left. */
  async function takeBack(to: string): Promise<void> {
    if (place.rest() === undefined) return;
    // The write that failed may have been the one that switches: the old has to be in use before the new goes.
    await place.set({});
    await clear(to);
  }

  async function switchTo(
    path: string,
    left: (from: string) => Parameters<DataPlace['set']>[0] = (from) => ({ other: from }),
  ): Promise<void> {
    const from = place.path();
    step('stopping', path);
    await registry.stop();
    try {
      await place.set({ path, ...left(from) });
    } finally {
      step('starting', path);
      registry.start();
    }
  }

  function isBegun(): boolean {
    return begun === place.path();
  }

  return {
    state: () => state,
    isBusy: () => running !== undefined && state.move?.step !== 'removing',
    async tidy() {
      const rest = place.rest();
      if (rest === undefined) return;
      // A copy that was complete when the computer stopped: whether it is wanted is for a person to say.
      if ((await findDataIn(rest)) === 'whole' && rest !== place.path() && place.other() === undefined)
        return await place.set({ rest: undefined, other: rest });
      await inTurn(async (signal) => {
        step('removing', rest);
        await clear(rest, signal);
      });
    },
    async move(to, size) {
      await inTurn(async (signal) => {
        let failure: Failure | undefined;
        try {
          await copy(to, size, signal);
        } catch (error) {
          failure = signal.aborted ? undefined : failureOf(error);
          step('clearing', to, size);
          await takeBack(to).catch(() => undefined);
        }
        registry.start();
        enter(failure === undefined ? {} : { failure });
      });
    },
    isBegun,
    use: (path) =>
      inTurn(async (signal) => {
        const isNew = (await findDataIn(path)) === undefined;
        // There is room for one other; what was begun a moment ago holds nothing that anybody would miss.
        const isDropped = isBegun() && place.other() !== undefined && place.other() !== path;
        await switchTo(path, (from) => (isDropped ? { rest: from } : { other: from }));
        begun = isNew ? path : undefined;
        const rest = place.rest();
        // Where it fails, the next start takes up what is left.
        if (isDropped && rest !== undefined) await clear(rest, signal).catch(() => undefined);
      }),
    async useOther() {
      const other = mustHaveOther(place);
      if ((await findDataIn(other)) !== 'whole')
        throw new AppError('PATH_REFUSED', { message: `"${other}" holds no data directory any more.` });
      await inTurn(() => switchTo(other));
    },
    async removeOther() {
      const other = mustHaveOther(place);
      await inTurn(async (signal) => {
        step('removing', other);
        await place.set({ other: undefined, rest: other });
        try {
          await clear(other, signal);
        } catch (error) {
          // Where nothing was removed it is still what it was.
          if ((await findDataIn(other).catch(() => undefined)) === 'whole')
            await place.set({ other, rest: undefined });
          throw error;
        }
      });
    },
    async cancel() {
      const { ending, ended } = running ?? {};
      if (!isCommitted) ending?.abort();
      await ended;
    },
    forgetFailure: () => enter(state.move === undefined ? {} : { move: state.move }),
  };
}

function mustHaveOther(place: DataPlace): string {
  const other = place.other();
  if (other === undefined)
    throw new AppError('PATH_REFUSED', { message: 'There is no other data directory.' });
  return other;
}

function failureOf(error: unknown): Failure {
  if (isAppError(error)) return { code: error.code, message: error.message, hint: error.hint };
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: 'STORAGE_FAILED',
    message: `The data directory could not be moved: ${why}.`,
    hint: 'It is where it was. Try again.',
  };
}
