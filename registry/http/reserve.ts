import type { Driver } from '../driver/driver.ts';
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
  let disk: DiskRow = { state: 'ok' };
  let wanted = { bytes: 0, inodes: 0 };
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function look(): Promise<DiskRow> {
    if (driver.free === undefined || now() - lookedAt < lookMs) return disk;
    lookedAt = now();
    const { bytes, totalBytes, inodes, totalInodes } = await driver.free();
    const roomOf = (room: Room) => ({
      bytes: Math.max(room.bytes, (totalBytes * room.percent) / 100),
      inodes: (totalInodes * room.percent) / 100,
    });
    wanted = roomOf(reserve());
    const low = roomOf(warn());
    const state =
      bytes < wanted.bytes || inodes < wanted.inodes
        ? 'full'
        : bytes < low.bytes || inodes < low.inodes
          ? 'low'
          : 'ok';
    disk = {
      state,
      freeBytes: bytes,
      reserveBytes: Math.ceil(wanted.bytes),
      ...(Number.isFinite(inodes) ? { freeInodes: inodes } : {}),
    };
    return disk;
  }

  return {
    look,
    async check() {
      const { state, freeBytes = 0, freeInodes = 0 } = await look();
      if (state !== 'full') return;
      const [free, kept] =
        freeBytes < wanted.bytes
          ? [inMiB(freeBytes), inMiB(wanted.bytes)]
          : [`${freeInodes} files (inodes)`, String(Math.ceil(wanted.inodes))];
      throw new AppError('STORAGE_FULL', {
        message: `The disk of the registry is nearly full: ${free} free, ${kept} are kept in reserve. Free some space, or lower berth.storage.reserve. Pulls go on.`,
      });
    },
    warning() {
      const { state, freeBytes = 0 } = disk;
      return state === 'ok' ? undefined : `the disk of the registry has only ${inMiB(freeBytes)} left`;
    },
  };
}

function inMiB(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))} MiB`;
}
