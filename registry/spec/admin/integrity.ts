/** The control plane on damage: the check of all stored content, and what it has found. */
import { z } from 'zod';
import { digest, type Page, page, repository } from './arguments.ts';

/**
 * `quarantined`: the bytes were others, and were put aside. `missing`: an image needs it, and there are no bytes.
 * `unlinked`: the bytes are there, and a repository that needs them cannot read them. `unreadable`: the disk did not
 * give the bytes; they are where they were. `healed`: pushed again since.
 */
export const damageStates = ['quarantined', 'missing', 'unlinked', 'unreadable', 'healed'] as const;
export type DamageState = (typeof damageStates)[number];

export interface DamageRow {
  readonly digest: string;
  readonly state: DamageState;
  /** Bytes that were there. */
  readonly size: number;
  /** The digest of what was there instead. */
  readonly found?: string;
  /** When it was found first. */
  readonly at: string;
  /** Where it is needed. */
  readonly repositories: readonly string[];
  /** The first hundred tags that cannot be pulled, as `repository:tag`. */
  readonly tags: readonly string[];
  /** What makes it whole again. */
  readonly hint: string;
}

/** A check of everything, or of some repositories. */
export interface ScrubRun {
  readonly startedAt: string;
  /** Absent while it runs, or waits to be continued. */
  readonly finishedAt?: string;
  /** What was read and compared. */
  readonly blobs: number;
  readonly bytes: number;
  /** How many blobs were found in each state. */
  readonly quarantined: number;
  readonly missing: number;
  readonly unlinked: number;
  readonly unreadable: number;
  /** Links to content that no image needs and that is gone: harmless. */
  readonly danglingLinks: number;
}

export interface ScrubStatus {
  readonly isRunning: boolean;
  /** The one that runs, or was interrupted and is continued later. */
  readonly current?: ScrubRun;
  readonly last?: ScrubRun;
  /** When the next one begins by itself; absent where it is switched off. */
  readonly nextAt?: string;
  /** The first hundred; `damaged.list` has all. */
  readonly damaged: readonly DamageRow[];
  readonly damagedTotal: number;
}

export const integrityArguments = {
  /** The check of all content: the one that runs, the last, the next, and what is damaged. */
  'scrub.status': z.strictObject({}),
  /** Compares all stored content, or that of some repositories, with its digests. Goes on where a check of everything stopped less than a day ago; a check of repositories is not continued. */
  'scrub.run': z.strictObject({ repositories: z.array(repository).max(1000).default([]) }),
  /** What is damaged, and what that breaks. */
  'damaged.list': z.strictObject({ ...page }),
  /** Drops the record and the bytes that were put aside, for content that nobody will push again. */
  'damaged.forget': z.strictObject({ digest }),
} as const;

export interface IntegrityResults {
  'scrub.status': ScrubStatus;
  'scrub.run': ScrubRun;
  'damaged.list': Page<DamageRow>;
  'damaged.forget': { readonly digest: string };
}
