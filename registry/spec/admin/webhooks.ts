/** The control plane on webhooks: who is told what happens, and whether they could be reached. */
import { z } from 'zod';
import {
  isHeaderName,
  isHeaderValue,
  parseWebhookName,
  parseWebhookUrl,
  webhookActions,
} from '../webhook.ts';

/** An endpoint, without its secrets. */
export interface WebhookRow {
  readonly name: string;
  /** Without what follows a question mark. */
  readonly url: string;
  /** True for those of the configuration file, which are changed there. */
  readonly isLocked: boolean;
  readonly isSigned: boolean;
  /** The names of the headers that are sent along. */
  readonly headers: readonly string[];
  readonly ignoredActions: readonly string[];
  readonly ignoredMediaTypes: readonly string[];
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How long is waited after a failure; after `threshold` failures in a row twice as long each time. */
  readonly backoffMs: number;
  readonly threshold: number;
  readonly state: 'ok' | 'failing' | 'disabled';
  readonly failingSince?: string;
  /** Why the last try failed. */
  readonly error?: string;
  readonly nextTryAt?: string;
  /** Events that wait. */
  readonly pending: number;
  /** Since the endpoint was made. */
  readonly delivered: number;
  /** Given up, since the endpoint was made: too many, too old, or purged. */
  readonly dropped: number;
}

export interface WebhookTest {
  /** The status of the answer, if there was one. */
  readonly status?: number;
  readonly milliseconds: number;
  /** Why it does not count as delivered. */
  readonly error?: string;
}

const name = z.string().refine((text) => parseWebhookName(text) !== undefined, 'not one line of text');
const url = z
  .string()
  .refine((text) => parseWebhookUrl(text) !== undefined, 'not http:// or https:// with a host, and no login');
const header = z.string().refine(isHeaderName, 'not the name of a header that may be set');
const line = z.string().refine(isHeaderValue, 'not one line of text');
const named = z.strictObject({ name });

export const webhookArguments = {
  /** The endpoints and how they are. */
  'webhooks.list': z.strictObject({}),
  /** Makes an endpoint, or changes one: what is left out stays as it is. An empty secret or ca removes it. */
  'webhooks.set': z.strictObject({
    name,
    /** A new one needs it. */
    url: url.optional(),
    disabled: z.boolean().optional(),
    headers: z.record(header, z.array(line).max(16)).optional(),
    secret: z.string().max(1024).optional(),
    /** Certificates as PEM that are accepted besides those of the system. */
    ca: z
      .string()
      .max(256 * 1024)
      .optional(),
    timeoutMs: z.int().min(1).max(300_000).optional(),
    threshold: z.int().min(1).max(1000).optional(),
    backoffMs: z.int().min(1).max(300_000).optional(),
    ignoredActions: z.array(z.enum(webhookActions)).optional(),
    ignoredMediaTypes: z.array(z.string().max(255)).max(100).optional(),
  }),
  /** Forgets an endpoint and what waits for it. */
  'webhooks.remove': named,
  /** Sends an event that is marked as a test, at once and besides the queue. */
  'webhooks.test': named,
  /** Tries again now instead of at the time planned. */
  'webhooks.retry': named,
  /** Gives up what waits. */
  'webhooks.purge': named,
} as const;

export interface WebhookResults {
  'webhooks.list': readonly WebhookRow[];
  'webhooks.set': WebhookRow;
  'webhooks.remove': { readonly name: string };
  'webhooks.test': WebhookTest;
  'webhooks.retry': WebhookRow;
  'webhooks.purge': { readonly dropped: number };
}
