/** Short lists that must outlive the process, each in one file. */
import type { Driver } from '../driver/driver.ts';

const limit = 1024 * 1024;

/** The rows of a list that look right; none where there is no list, or it cannot be read as one. */
export async function readRows<Row extends object>(
  driver: Driver,
  key: string,
  isRow: (row: object) => boolean,
): Promise<readonly Row[]> {
  const bytes = await driver.readSmall(key, { limit });
  if (bytes === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Figures of former days: they are begun anew.
    return [];
  }
  const rows: readonly unknown[] = Array.isArray(value) ? value : [];
  return rows.filter((row): row is Row => typeof row === 'object' && row !== null && isRow(row));
}

/** Replaces a list, durably. */
export async function writeRows(driver: Driver, key: string, rows: readonly object[]): Promise<void> {
  await driver.write(key, new TextEncoder().encode(JSON.stringify(rows)));
}
