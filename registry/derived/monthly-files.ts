/** Lines in files of a month, `2026-07.ndjson`, that are only ever appended to: what journal and audit share. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const fileName = /^(\d{4}-\d{2})\.ndjson$/;
const readBytes = 64 * 1024;
export const lineFeed = 0x0a;

export interface NewestFile {
  readonly file: FileHandle;
  readonly month: string;
  /** Behind its last whole line, where it ends. */
  readonly size: number;
  /** Of a torn last line, which is cut off. */
  readonly tornBytes: number;
}

export interface MonthlyFiles {
  readonly pathOf: (month: string) => string;
  /** Those that have a file, the oldest first. */
  readonly months: () => Promise<readonly string[]>;
  /** The newest file, to append to; a torn last line is dropped, not yet on the disk. `undefined` where there is none. */
  readonly openNewest: () => Promise<NewestFile | undefined>;
}

/** The files of a directory, which must be there before they are listed. */
export function monthlyFiles(directory: string): MonthlyFiles {
  const pathOf = (month: string): string => join(directory, `${month}.ndjson`);

  async function months(): Promise<readonly string[]> {
    const found = (await readdir(directory)).map((name) => fileName.exec(name)?.[1]);
    return found.filter((month) => month !== undefined).toSorted();
  }

  return {
    pathOf,
    months,
    async openNewest() {
      const month = (await months()).at(-1);
      if (month === undefined) return undefined;
      const file = await open(pathOf(month), 'a+', 0o600);
      const { size } = await file.stat();
      const whole = await endOfLastLine(file, size);
      if (whole < size) await file.truncate(whole);
      return { file, month, size: whole, tornBytes: size - whole };
    },
  };
}

/** The month that lines go to now: a clock that goes back does not lead back to an older file. */
export function monthAt(nowMs: number, newest: string): string {
  const today = new Date(nowMs).toISOString().slice(0, 7);
  return today > newest ? today : newest;
}

/** The offset behind the last line feed. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(readBytes);
  for (let to = size; to > 0;) {
    const from = Math.max(0, to - block.length);
    const { bytesRead } = await file.read(block, 0, to - from, from);
    const at = block.subarray(0, bytesRead).lastIndexOf(lineFeed);
    if (at >= 0) return from + at + 1;
    to = from;
  }
  return 0;
}
