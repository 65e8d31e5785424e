/** The control plane on the room that content takes: usage, collection, index. */
import { z } from 'zod';
import { type Page, page } from './arguments.ts';
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

/** What a collection would free, from the largest on. */
export interface CollectRow {
  readonly digest: string;
  readonly size: number;
  /** Where it can be read still. */
  readonly repositories: readonly string[];
  /** `untagged`: a manifest without a tag, or what only such manifests need. `unreferenced`: no manifest needs it. */
  readonly why: 'untagged' | 'unreferenced';
  /** Kept for now: in use within the grace time, or seen for the first time. */
  readonly isKept: boolean;
}

export interface CollectPlanRow extends CollectResult {
  /** Bytes that only the trash keeps. */
  readonly trashBytes: number;
  /** The 200 largest blobs. */
  readonly rows: readonly CollectRow[];
  /** Names everything that nobody needs; `collect.run` takes it and refuses when that is no longer the same. */
  readonly hash: string;
}

/** Why a collection ran. */
export type CollectTrigger = 'timer' | 'idle' | 'low-disk' | 'asked';

export interface CollectRunRow extends CollectResult {
  readonly at: string;
  readonly trigger: CollectTrigger;
  readonly ms: number;
  /** Who asked for it. */
  readonly user?: string;
}

export interface UsageRow {
  readonly repositories: readonly {
    readonly name: string;
    readonly exclusiveBytes: number;
    readonly sharedBytes: number;
  }[];
  readonly totalBytes: number;
  /** Bytes that only the trash keeps, and bytes that nobody needs, as of `plannedAt`. */
  readonly trashBytes: number;
  readonly reclaimableBytes: number;
  /**
   * When a plan or a run looked at everything last. Absent before the first: bytes that no manifest names are reclaimable
   * then, those of the trash included.
   */
  readonly plannedAt?: string;
  /** Damaged bytes that were put aside. */
  readonly quarantinedBytes: number;
  readonly freeBytes?: number;
  readonly quotas: readonly QuotaRow[];
}

/** The last sample of a day. */
export interface UsageSample {
  /** `2026-07-01`, in UTC. */
  readonly day: string;
  readonly totalBytes: number;
  readonly exclusiveBytes: number;
  readonly sharedBytes: number;
  readonly trashBytes: number;
  readonly freeBytes?: number;
}

/** An upload that was begun and neither finished nor cancelled. */
export interface UploadRow {
  readonly repository: string;
  readonly id: string;
  readonly bytes: number;
  /** When its last byte came. */
  readonly at: string;
  /** Who began it; absent for one of a former process. */
  readonly user?: string;
}

export const upkeepArguments = {
  /** What takes room. */
  'usage.get': z.strictObject({}),
  /** One row for each of the last 90 days that the registry ran, the oldest first. */
  'usage.trend': z.strictObject({}),
  /** What a collection would free, to the byte. */
  'collect.plan': z.strictObject({}),
  /** Frees what nobody needs. With `plan` only what a plan has shown: PLAN_STALE when that is no longer the same. */
  'collect.run': z.strictObject({ plan: z.string().optional() }),
  /** The last 20 collections, the newest first. */
  'collect.runs': z.strictObject({}),
  /** Uploads that were begun and neither finished nor cancelled. */
  'uploads.list': z.strictObject({ ...page }),
  /** Removes uploads whose last byte is so old; as old as the configuration says where it is absent. */
  'uploads.purge': z.strictObject({ ageMs: z.int().min(0).optional() }),
  /** Makes the index anew from the disk. */
  'index.rebuild': z.strictObject({}),
} as const;

export interface UpkeepResults {
  'usage.get': UsageRow;
  'usage.trend': readonly UsageSample[];
  'collect.plan': CollectPlanRow;
  'collect.run': CollectResult;
  'collect.runs': readonly CollectRunRow[];
  'uploads.list': Page<UploadRow>;
  'uploads.purge': { readonly purged: number };
  'index.rebuild': { readonly repositories: number; readonly manifests: number };
}
