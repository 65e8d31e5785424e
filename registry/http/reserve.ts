import type { Driver } from '../driver/driver.ts';
import { AppError } from '../spec/errors.ts';

export interface Reserve {
  /** @throws AppError STORAGE_FULL when less than the reserve is free */
  check(): Promise<void>;
  /** What a person should know, from the last look: less than twice the reserve is free. */
  warning(): string | undefined;
}

/** The time for which one look at the disk counts, in milliseconds. */
const lookMs = 1000;

/** Keeps the larger of `bytes` and `percent` of the medium free, so that a push is refused before bytes flow. */
export function createReserve(
  driver: Driver,
  {
    bytes,
    percent,
    now = performance.now.bind(performance),
  }: { readonly bytes: number; readonly percent: number; readonly now?: () => number },
): Reserve {
  let free = { bytes: Number.POSITIVE_INFINITY, wanted: 0 };
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function look(): Promise<void> {
    if (driver.free === undefined || now() - lookedAt < lookMs) return;
    lookedAt = now();
    const medium = await driver.free();
    free = { bytes: medium.bytes, wanted: Math.max(bytes, (medium.totalBytes * percent) / 100) };
  }

  return {
    async check() {
      await look();
      if (free.bytes >= free.wanted) return;
      throw new AppError('STORAGE_FULL', {
        message: `The disk of the registry is nearly full: ${inMiB(free.bytes)} free, ${inMiB(free.wanted)} are kept in reserve. Free some space, or lower berth.storage.reserve. Pulls go on.`,
      });
    },
    warning() {
      return free.bytes < 2 * free.wanted
        ? `the disk of the registry has only ${inMiB(free.bytes)} left`
        : undefined;
    },
  };
}

function inMiB(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))} MiB`;
}
