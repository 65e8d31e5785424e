import type { Driver, FreeRoom } from '../driver/driver.ts';
import type { DiskRow } from '../spec/admin/process.ts';
import { AppError } from '../spec/errors.ts';

/** The larger of a number of bytes and a share of the medium, of its bytes and of its inodes. */
export interface Room {
  readonly bytes: number;
  readonly percent: number;
}

export interface Reserve {
  /** @throws AppError STORAGE_FULL when less than the reserve is free */
  check(): Promise<void>;
  /** What a person should know, from the last look. */
  warning(): string | undefined;
  /** How much room there is, as of the last second. */
  look(): Promise<DiskRow>;
}

/** The time for which one look at the disk counts, in milliseconds. */
const lookMs = 1000;

/** Keeps a part of the medium free, so that a push is refused before bytes flow, and warns before it comes to that. */
export function createReserve(
  driver: Driver,
  {
    reserve,
    warn,
    now = performance.now.bind(performance),
  }: { readonly reserve: () => Room; readonly warn: () => Room; readonly now?: () => number },
): Reserve {
  let medium: FreeRoom | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  /** The last look at the disk, by the limits of the moment. */
  function judge(): DiskRow {
    if (medium === undefined) return { state: 'ok' };
    const { bytes, inodes } = medium;
    const kept = roomOf(reserve(), medium);
    const low = roomOf(warn(), medium);
    const state =
      bytes < kept.bytes || inodes < kept.inodes
        ? 'full'
        : bytes < low.bytes || inodes < low.inodes
          ? 'low'
          : 'ok';
    return {
      state,
      freeBytes: bytes,
      reserveBytes: Math.ceil(kept.bytes),
      ...(Number.isFinite(inodes) ? { freeInodes: inodes } : {}),
    };
  }

  async function look(): Promise<DiskRow> {
    if (driver.free !== undefined && now() - lookedAt >= lookMs) {
      lookedAt = now();
      medium = await driver.free();
    }
    return judge();
  }

  return {
    look,
    async check() {
      const { state } = await look();
      if (state !== 'full' || medium === undefined) return;
      const wanted = roomOf(reserve(), medium);
      const [free, kept] =
        medium.bytes < wanted.bytes
          ? [inMiB(medium.bytes), inMiB(wanted.bytes)]
          : [`${medium.inodes} files (inodes)`, String(Math.ceil(wanted.inodes))];
      throw new AppError('STORAGE_FULL', {
        message: `The disk of the registry is nearly full: ${free} free, ${kept} are kept in reserve. Free some space, or lower berth.storage.reserve. Pulls go on.`,
      });
    },
    warning() {
      const { state, freeBytes = 0 } = judge();
      return state === 'ok' ? undefined : `the disk of the registry has only ${inMiB(freeBytes)} left`;
    },
  };
}

function inMiB(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))} MiB`;
}

function roomOf({ bytes, percent }: Room, { totalBytes, totalInodes }: FreeRoom) {
  return {
    bytes: Math.max(bytes, (totalBytes * percent) / 100),
    inodes: (totalInodes * percent) / 100,
  };
}
