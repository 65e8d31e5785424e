/** Where the data directory of this app is, and its move to another place. Paths come from dialogs of the system alone. */
import { z } from 'zod';
import type { ProcessRow } from './registry.ts';

export interface DataRow {
  readonly path: string;
  /** What fixes the directory, so that it is changed there: a variable, the configuration, another program. */
  readonly fixedBy?: string;
  /** Another data directory of this app that is complete, and not used: the old one after a move. */
  readonly other?: { readonly path: string; readonly bytes: number; readonly isGone: boolean };
  /** This directory was begun a moment ago, instead of the other: a further one may be chosen in its place. */
  readonly isBegun?: true;
  /** Under way. */
  readonly move?: DataMove;
  /** Why the last one did not end well, until it is read away. */
  readonly failure?: NonNullable<ProcessRow['failure']>;
}

export interface DataMove {
  /** `stopping`: transfers end. `starting`: the registry starts at the new place. */
  readonly step: 'stopping' | 'copying' | 'clearing' | 'starting' | 'removing';
  readonly to: string;
  readonly doneFiles: number;
  readonly files: number;
  readonly doneBytes: number;
  readonly bytes: number;
}

/** What a person agrees to. */
export interface MovePlan {
  /** Names the plan when it is carried out; the last one that was made is the only one that can be. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly files: number;
  readonly bytes: number;
  readonly freeBytes: number;
  readonly warnings: readonly string[];
  /** Of clients, at the moment: they get half a minute to end. */
  readonly transfers: number;
  /** The present directory goes: it was begun a moment ago, and nothing is stored there. */
  readonly isFromDropped: boolean;
  /** There is a registry at the place already, which would be used as it is. */
  readonly isUsed: boolean;
}

const plan = z.string().min(1).max(100);

export const dataArguments = {
  'data.get': z.strictObject({}),
  /**
   * Asks for a folder, and says what would be done; `undefined` where nobody chose. `isCopied`: the data goes along; false
   * before anything is stored, where the registry just begins there. PATH_REFUSED, STORAGE_FULL.
   */
  'data.plan': z.strictObject({ isCopied: z.boolean() }),
  /** Does what the plan says; resolves when it has begun, or for one that copies nothing when it is done. PLAN_STALE. */
  'data.carryOut': z.strictObject({ plan }),
  /** Ends a copy, and takes back what was made of it. */
  'data.cancel': z.strictObject({}),
  /** Uses the other directory, and keeps this one as the other. */
  'data.useOther': z.strictObject({}),
  /** Removes the other directory; resolves when that is done. DATA_LOCKED. */
  'data.removeOther': z.strictObject({}),
  /** The failure was read. */
  'data.forgetFailure': z.strictObject({}),
} as const;

export interface DataResults {
  'data.get': DataRow;
  'data.plan': MovePlan | undefined;
  'data.carryOut': DataRow;
  'data.cancel': DataRow;
  'data.useOther': DataRow;
  'data.removeOther': DataRow;
  'data.forgetFailure': DataRow;
}
