/** The control plane on what happens: transfers under way, the audit, and what clients do wrong. */
import { z } from 'zod';
import { auditKinds, type AuditRow } from '../audit.ts';
import { type DownloadTicket, q, repository } from './arguments.ts';

/**
 * What one client does in one repository: requests of the same user, client and address, until a tag is pushed or there
 * was none for 60 seconds.
 */
export interface SessionRow {
  /** Unique within the process. */
  readonly id: number;
  readonly kind: 'push' | 'pull';
  /** Empty for anonymous. */
  readonly user: string;
  /** `docker 28.2`. */
  readonly client: string;
  /** User-Agent as it was sent. */
  readonly userAgent: string;
  readonly address: string;
  readonly repository: string;
  /** The last tag, and the last manifest, that were pushed or pulled. */
  readonly tag?: string;
  readonly digest?: string;
  readonly startedAt: string;
  /** When the last byte was seen to move, or the last request ended. */
  readonly lastAt: string;
  readonly state: 'active' | 'done' | 'failed';
  /** Why the last write or read failed, as the client was told. */
  readonly error?: string;
  /** Bytes of blobs that were received and sent. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Over the last three seconds; 0 when nothing is under way. */
  readonly bytesPerSecond: number;
  /** Blobs, the config of an image included. */
  readonly layers: {
    readonly done: number;
    /** Found here, or mounted from another repository: not sent again. */
    readonly reused: number;
    /** Being transferred now. */
    readonly open: number;
    /** Of the manifests that were pulled or pushed; absent before. */
    readonly total?: number;
  };
  /** What the blobs of the pulled manifests have together. A push has none: nobody knows what is still to come. */
  readonly totalBytes?: number;
  /** Requests are running that `sessions.cancel` would cut. */
  readonly isCancellable: boolean;
}

/** What clients have moved in one hour: bytes of blobs, counted when a request ends. */
export interface TrafficHour {
  /** When the hour began. */
  readonly at: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A page of the audit. A search looks at a part of the files only: a page can be empty and have a `next`. */
export interface AuditPage {
  readonly rows: readonly AuditRow[];
  /** The `after` of the following page; absent at the end. */
  readonly next?: string;
}

/** A mistake that one client makes, as often as it makes it, with what mends it. */
export interface CardRow {
  readonly id: string;
  readonly code: CardCode;
  /** The client's short name; absent where it said none, as in a broken handshake. */
  readonly client?: string;
  readonly address: string;
  readonly user?: string;
  readonly repository?: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** What is wrong, in a sentence. */
  readonly message: string;
  /** The command that mends it, or shows more. */
  readonly action: string;
}

export type CardCode =
  | 'untrusted'
  | 'plainHttp'
  | 'wrongPassword'
  | 'noPermission'
  | 'storageFull'
  | 'hostDenied'
  | 'tagProtected'
  | 'uploadLimit';

const auditFilter = {
  kind: z.enum(auditKinds).optional(),
  user: z.string().max(300).optional(),
  repository: repository.optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  q,
  /** Without what the doctor's checks have done; what failed of them stays. */
  withoutChecks: z.boolean().default(false),
};
const auditPage = { after: z.string().max(100).optional(), limit: z.int().min(1).max(1000).default(100) };

export const activityArguments = {
  /** Transfers that run, and those that ended within a minute, the newest first. */
  'sessions.list': z.strictObject({}),
  /** Cuts the requests that the session has running; its client may try again. */
  'sessions.cancel': z.strictObject({ id: z.int().positive() }),
  /** What clients have moved in each of the last 24 hours, the oldest first; the last is not over. A restart forgets it. */
  'traffic.get': z.strictObject({}),
  /** The newest first. */
  'audit.list': z.strictObject({ ...auditPage, ...auditFilter }),
  /** The same rows as text, page by page; the first page of a table begins with the names of its columns. */
  'audit.export': z.strictObject({ ...auditPage, ...auditFilter, format: z.enum(['ndjson', 'csv']) }),
  /** A ticket for all of these rows. */
  'audit.download': z.strictObject({ ...auditFilter, format: z.enum(['ndjson', 'csv']) }),
  /** What happened last comes first. */
  'cards.list': z.strictObject({}),
  /** Takes a card away until its mistake is made again. */
  'cards.dismiss': z.strictObject({ id: z.string() }),
} as const;

export interface ActivityResults {
  'sessions.list': readonly SessionRow[];
  'sessions.cancel': { readonly requests: number };
  'traffic.get': readonly TrafficHour[];
  'audit.list': AuditPage;
  'audit.export': { readonly text: string; readonly next?: string };
  'audit.download': DownloadTicket;
  'cards.list': readonly CardRow[];
  'cards.dismiss': { readonly id: string };
}

/** Which lines of the audit are wanted. */
export type AuditFilter = z.output<z.ZodObject<typeof auditFilter>>;
