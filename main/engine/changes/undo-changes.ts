import { type AppError, isAppError } from '../../../registry/spec/errors.ts';
import { type ChangeContext, type Outcome, undoChange } from './apply.ts';
import type { LedgerEntry } from './ledger.ts';

export interface Undone {
  readonly outcomes: readonly Outcome[];
  /** What could not be undone, and why. */
  readonly left: readonly { readonly entry: LedgerEntry; readonly error: AppError }[];
}

/** Undoes changes in this order. One that cannot be undone stays as it is, and keeps none of the others. */
export async function undoChanges(context: ChangeContext, entries: readonly LedgerEntry[]): Promise<Undone> {
  const outcomes: Outcome[] = [];
  const left: { readonly entry: LedgerEntry; readonly error: AppError }[] = [];
  for (const entry of entries) {
    try {
      outcomes.push(await undoChange(context, entry.id));
    } catch (error) {
      if (!isAppError(error)) throw error;
      left.push({ entry, error });
    }
  }
  return { outcomes, left };
}
