/** Arguments and answers that several subjects of the control plane share. */
import { z } from 'zod';
import { parseDigest } from '../digest.ts';
import { parseRepoName, parseTag } from '../names.ts';

/** One page of a list. `next` is the `after` of the following page; absent on the last. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** All rows that match, over all pages. */
  readonly total: number;
  readonly next?: string;
}

/** Bytes that wait at `GET /api/download/<ticket>`: for one use, for 30 seconds, for a session of the same user. */
export interface DownloadTicket {
  readonly ticket: string;
  /** What the file will be called. */
  readonly fileName: string;
}

export const repository = parsed(parseRepoName, 'not a repository name');
export const tag = parsed(parseTag, 'not a tag');
export const digest = parsed(parseDigest, 'not a digest');
/** Where a page starts, and how many rows it has at most. */
export const page = { after: z.string().optional(), limit: z.int().min(1).max(1000).default(100) };
/** Text to search for. */
export const q = z.string().max(200).optional();

/** Text that a parser of `spec` makes a value of. */
export function parsed<T extends string | object>(parse: (text: string) => T | undefined, message: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}
