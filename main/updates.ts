/**
 * Looks for newer versions of the app, when a person asks or once a day where that is switched on:
 *
 *     noFeed
 *     idle --look--> looking --newer--> fetching --> ready --restart--> installed
 *                       |--newer, unproved--> manual
 *                       +--failed
 */
import type { UpdateState } from './contract/updates.ts';

/** What knows feeds and installers. */
export interface Updater {
  /** The version of the feed, if it is newer than this one. Rejects where the feed cannot be read. */
  findNewer(): Promise<string | undefined>;
  /** Gets what `findNewer` has found. Rejects where it is not what the feed promised, or who made it cannot be proved. */
  fetch(onPercent: (percent: number) => void): Promise<void>;
  /** Ends the app, and starts the new one. */
  install(): void;
}

export interface UpdatesOptions {
  /** Absent where the build has no feed. */
  readonly updater: Updater | undefined;
  /** Whether the system proves who made what is installed. */
  readonly isProved: boolean;
  readonly onState: (state: UpdateState) => void;
}

export interface Updates {
  readonly state: () => UpdateState;
  /** Looks, and resolves when that is known; what is newer is fetched behind it. */
  look(): Promise<void>;
  /** Looks now and once a day, or no more. */
  setDaily(isDaily: boolean): void;
  /** Installs what is ready; the app has to be at its end. */
  install(): void;
}

const dayMs = 24 * 60 * 60 * 1000;

export function createUpdates({ updater, isProved, onState }: UpdatesOptions): Updates {
  let state: UpdateState = updater === undefined ? { kind: 'noFeed' } : { kind: 'idle', isNewest: false };
  let timer: ReturnType<typeof setInterval> | undefined;

  function enter(next: UpdateState): void {
    state = next;
    onState(next);
  }

  function fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    // The first line says it; servers and signers add pages.
    enter({ kind: 'failed', message: text.split('\n')[0] ?? '' });
  }

  async function fetch(known: Updater, version: string): Promise<void> {
    enter({ kind: 'fetching', version, percent: 0 });
    try {
      await known.fetch((percent) => {
        const whole = Math.floor(percent);
        if (state.kind === 'fetching' && whole > state.percent) enter({ ...state, percent: whole });
      });
      enter({ kind: 'ready', version });
    } catch (error) {
      fail(error);
    }
  }

  async function look(): Promise<void> {
    if (updater === undefined || ['looking', 'fetching', 'ready'].includes(state.kind)) return;
    enter({ kind: 'looking' });
    try {
      const version = await updater.findNewer();
      if (version === undefined) enter({ kind: 'idle', isNewest: true });
      else if (isProved) void fetch(updater, version);
      else enter({ kind: 'manual', version });
    } catch (error) {
      fail(error);
    }
  }

  return {
    state: () => state,
    look,
    setDaily(isDaily) {
      clearInterval(timer);
      timer = undefined;
      if (!isDaily || updater === undefined) return;
      timer = setInterval(() => void look(), dayMs);
      void look();
    },
    install() {
      if (state.kind === 'ready') updater?.install();
    },
  };
}
