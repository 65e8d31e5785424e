/** The control plane on the process itself: its state, its log, what it is busy with. */
import { z } from 'zod';
import { levels, subsystems } from '../log-record.ts';
import type { DownloadTicket } from './arguments.ts';

/** The room on the disk of the data directory. The figures are absent where nobody knows them. */
export interface DiskRow {
  /** `low`: below what is warned of. `full`: below the reserve, so that pushes are refused. */
  readonly state: 'ok' | 'low' | 'full';
  readonly freeBytes?: number;
  readonly freeInodes?: number;
  readonly reserveBytes?: number;
}

export interface StatusRow {
  readonly version: string;
  readonly urls: readonly string[];
  /** The address of the window for browsers; absent while it is switched off. */
  readonly ui?: string;
  readonly startedAt: string;
  readonly pid: number;
  /** How it was started: by `berth serve`, by `berth up`, by the desktop app. */
  readonly runs: 'foreground' | 'background' | 'desktop';
  readonly isReadOnly: boolean;
  /** The variable or option that fixes whether it is read-only; absent where it can be changed. */
  readonly readOnlyFixedBy?: string;
  /** Login is switched off: everybody who reaches it may do everything. */
  readonly isOpen: boolean;
  /** Other computers are served without TLS, so that passwords can be read on the way. */
  readonly isPlain: boolean;
  /** What file and environment say without effect, each with where it stands. */
  readonly unheeded: readonly string[];
  /** `building` while lists are still read from the disk. */
  readonly index: 'building' | 'ready';
  readonly disk: DiskRow;
}

/** Work that takes longer than an answer should: a collection, a rebuild, a check of all blobs, an import. */
export interface TaskRow {
  /** Unique within the process. */
  readonly id: number;
  /** `collect`, `rebuild`: what a face of the product words for its reader. */
  readonly kind: TaskKind;
  readonly startedAt: string;
  /** Who asked for it; absent for what runs by itself. */
  readonly user?: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** How far it is, in `unit`; `total` is absent where nobody knows. */
  readonly done: number;
  readonly total?: number;
  readonly unit: 'bytes' | 'items';
  /** Why it failed. */
  readonly error?: string;
}

export const taskKinds = ['collect', 'rebuild', 'copy', 'export', 'import', 'rules', 'scrub'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** A level that falls back by itself. */
export interface RevertRow {
  /** The level it falls back to. */
  readonly level: string;
  readonly at: string;
}

/** Which records of the log are wanted. */
export const logFilter = {
  /** This level and the more serious ones. */
  level: z.enum(levels).default('info'),
  sys: z.enum(subsystems).optional(),
  /** At or after this time. */
  since: z.iso.datetime().optional(),
  /** At or before this time. */
  until: z.iso.datetime().optional(),
  /** First requests of clients without a login. */
  challenges: z.boolean().default(true),
  requestId: z.string().max(100).optional(),
  /** A part of the line, or a regular expression between slashes, `/push|pull/i`, that runs in linear time. */
  grep: z.string().max(500).optional(),
};

const dayMs = 24 * 60 * 60 * 1000;

export const processArguments = {
  /** The state of the registry. */
  'status.get': z.strictObject({}),
  /** Finishes what runs, and ends the process. The connection may close before the answer arrives. */
  'process.stop': z.strictObject({}),
  /** The level of each part of the service log. */
  'logs.levels': z.strictObject({}),
  /** With `forMs` the level falls back after so many milliseconds; a restart forgets both. */
  'logs.setLevel': z.strictObject({
    sys: z.enum([...subsystems, 'all']),
    level: z.enum(levels),
    forMs: z
      .int()
      .min(1000)
      .max(7 * dayMs)
      .optional(),
  }),
  /** The levels that fall back by themselves, by subsystem. */
  'logs.reverts': z.strictObject({}),
  /** Lines of the log files that are kept, the oldest first; a page has 500 at most and can be empty. */
  'logs.export': z.strictObject({
    ...logFilter,
    format: z.enum(['text', 'json']).default('text'),
    after: z.string().max(200).optional(),
  }),
  /** A ticket for all of these lines. */
  'logs.download': z.strictObject({ ...logFilter, format: z.enum(['text', 'json']).default('text') }),
  /** Those that run, and the last that ended, the newest first. */
  'tasks.list': z.strictObject({}),
  /** Also ends what another connection has started. */
  'tasks.cancel': z.strictObject({ id: z.int().positive() }),
} as const;

export interface ProcessResults {
  'status.get': StatusRow;
  'process.stop': { readonly pid: number };
  'logs.levels': Readonly<Record<string, string>>;
  'logs.setLevel': Readonly<Record<string, string>>;
  'logs.reverts': Readonly<Record<string, RevertRow>>;
  'logs.export': { readonly lines: readonly string[]; readonly next?: string };
  'logs.download': DownloadTicket;
  'tasks.list': readonly TaskRow[];
  'tasks.cancel': { readonly id: number };
}
