/** Newer versions of the app. */
import { z } from 'zod';

export type UpdateState =
  /** The build was made without an address to look at. */
  | { readonly kind: 'noFeed' }
  /** `isNewest`: that is what the last look has found. */
  | { readonly kind: 'idle'; readonly isNewest: boolean }
  | { readonly kind: 'looking' }
  /** There is one that the app does not install: nothing proves on this system who made it. */
  | { readonly kind: 'manual'; readonly version: string }
  | { readonly kind: 'fetching'; readonly version: string; readonly percent: number }
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'failed'; readonly message: string };

export interface UpdatesRow {
  /** That runs. */
  readonly version: string;
  readonly update: UpdateState;
}

export const updatesArguments = {
  'updates.get': z.strictObject({}),
  /** Looks now, and fetches what is newer; answers once it was looked. */
  'updates.look': z.strictObject({}),
  /** Quits, with the question about transfers, and starts what was fetched. */
  'updates.restart': z.strictObject({}),
} as const;

export interface UpdatesResults {
  'updates.get': UpdatesRow;
  'updates.look': UpdatesRow;
  'updates.restart': UpdatesRow;
}
