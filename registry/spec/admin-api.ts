/**
 * The control plane's contract: what the window, the command line and the browser may ask of a running registry.
 * Arguments are checked by these schemas on arrival; values and rows are JSON (times are RFC 3339, sizes are bytes).
 * One file of `admin/` for each subject.
 */
import { z } from 'zod';
import { accessArguments, type AccessResults } from './admin/access.ts';
import { certificateArguments, type CertificateResults } from './admin/certificate.ts';
import { activityArguments, type ActivityResults, type CardRow } from './admin/activity.ts';
import { computerArguments, type ComputerResults } from './admin/computer.ts';
import { integrityArguments, type IntegrityResults } from './admin/integrity.ts';
import { contentArguments, type ContentResults } from './admin/content.ts';
import { imageArguments, type ImageResults } from './admin/image.ts';
import { plansArguments, type PlansResults } from './admin/plans.ts';
import {
  type DiskRow,
  logFilter,
  processArguments,
  type ProcessResults,
  type TaskRow,
} from './admin/process.ts';
import { rulesArguments, type RulesResults } from './admin/rules.ts';
import { settingsArguments, type SettingsResults } from './admin/settings.ts';
import { transferArguments, type TransferResults } from './admin/transfer.ts';
import { upkeepArguments, type UpkeepResults } from './admin/upkeep.ts';
import { webhookArguments, type WebhookResults } from './admin/webhooks.ts';
import type { AuditRow } from './audit.ts';

/** The arguments of each method. */
export const adminArguments = {
  ...processArguments,
  ...contentArguments,
  ...imageArguments,
  ...upkeepArguments,
  ...computerArguments,
  ...rulesArguments,
  ...plansArguments,
  ...webhookArguments,
  ...transferArguments,
  ...integrityArguments,
  ...accessArguments,
  ...settingsArguments,
  ...certificateArguments,
  ...activityArguments,
} as const;

export type AdminMethod = keyof typeof adminArguments;
export type AdminArguments<Method extends AdminMethod> = z.output<(typeof adminArguments)[Method]>;
/** What a caller passes: defaults may be left out. */
export type AdminInput<Method extends AdminMethod> = z.input<(typeof adminArguments)[Method]>;

/** The answer of each method. */
export interface AdminResults
  extends
    ProcessResults,
    ContentResults,
    ImageResults,
    UpkeepResults,
    ComputerResults,
    WebhookResults,
    RulesResults,
    PlansResults,
    TransferResults,
    IntegrityResults,
    AccessResults,
    SettingsResults,
    CertificateResults,
    ActivityResults {}

/** What can be subscribed to, and its items. */
export const topicArguments = {
  /** Everything that happens from now on, or since a sequence number that is still kept. */
  feed: z.strictObject({ since: z.int().min(0).optional() }),
  /** Log records: those in the ring first, then live. */
  logs: z.strictObject({ ...logFilter }),
  /** Transfers: those that are known first, then each that changed, at most four times a second. */
  sessions: z.strictObject({}),
} as const;

export type Topic = keyof typeof topicArguments;

/** One thing that happened. Names are in the past tense, as in `spec/events.ts`. */
export interface FeedItem {
  /** Grows by one; a gap means that items were dropped. */
  readonly seq: number;
  readonly at: string;
  readonly kind:
    | 'tagMoved'
    | 'tagDeleted'
    | 'manifestPushed'
    | 'manifestDeleted'
    | 'blobStored'
    /** An upload began, or ended without a blob: it was cancelled or purged. */
    | 'uploadStarted'
    | 'uploadEnded'
    | 'restored'
    /** Pulls were added to the counts of lists; `names` are repositories. */
    | 'pullsCounted'
    | 'collected'
    /** Content was found damaged, or was pushed again. */
    | 'blobDamaged'
    | 'blobHealed'
    /** The room on the disk became another of `ok`, `low` and `full`. */
    | 'diskChanged'
    | 'indexReady'
    | 'levelsChanged'
    | 'rulesChanged'
    /** `count` tags were deleted by rules. */
    | 'ruleRan'
    | 'tagExpired'
    /** `names` are the users, tokens or settings; without names, a file was changed by somebody else. */
    | 'userChanged'
    | 'tokenChanged'
    | 'settingsChanged'
    | 'certificateChanged'
    /** Began, went on or ended; at most four times a second. */
    | 'taskChanged'
    /** A webhook was set, removed or purged, began to fail, or works again. */
    | 'webhookChanged'
    /** A line of the audit was written. */
    | 'audited'
    /** A client made a mistake, or made it again; or the card was taken away. */
    | 'cardChanged'
    /** The reader missed items, or the process is another: read everything anew. */
    | 'reset';
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** Who did it. */
  readonly user?: string;
  readonly names?: readonly string[];
  readonly bytes?: number;
  readonly count?: number;
  /** The id of a rule. */
  readonly rule?: string;
  readonly task?: TaskRow;
  /** The name of a webhook. */
  readonly webhook?: string;
  readonly disk?: DiskRow;
  readonly audit?: AuditRow;
  readonly card?: CardRow;
  readonly isDismissed?: boolean;
}
