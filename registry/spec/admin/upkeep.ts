/** The control plane on the room that content takes: usage, collection, index. */
import { z } from 'zod';
import type { QuotaRow } from './rules.ts';

/** What a collection has freed; of a plan, everything that nobody needs, the kept part included. */
export interface CollectResult {
  readonly blobs: number;
  readonly bytes: number;
  readonly manifests: number;
  /** Unreferenced, and kept for now: in use within the grace time, or seen for the first time. */
  readonly keptBlobs: number;
  readonly keptBytes: number;
}

export interface UsageRow {
  readonly repositories: readonly {
    readonly name: string;
    readonly exclusiveBytes: number;
    readonly sharedBytes: number;
  }[];
  readonly totalBytes: number;
  readonly trashBytes: number;
  readonly reclaimableBytes: number;
  readonly freeBytes?: number;
  readonly quotas: readonly QuotaRow[];
}

export const upkeepArguments = {
  /** What takes room. */
  'usage.get': z.strictObject({}),
  /** What a collection would free, to the byte. */
  'collect.plan': z.strictObject({}),
  /** Frees what nobody needs. */
  'collect.run': z.strictObject({}),
  /** Makes the index anew from the disk. */
  'index.rebuild': z.strictObject({}),
} as const;

export interface UpkeepResults {
  'usage.get': UsageRow;
  'collect.plan': CollectResult;
  'collect.run': CollectResult;
  'index.rebuild': { readonly repositories: number; readonly manifests: number };
}
