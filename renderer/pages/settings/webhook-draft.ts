/** What the dialog of a webhook holds as it is typed, and what is asked for with it. Pure. */
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import type { AdminInput } from '../../../registry/spec/admin-api.ts';
import { type WebhookAction, webhookActions } from '../../../registry/spec/webhook.ts';
import { shellLine } from '../../shell.ts';
import { parseHeaders } from './headers.ts';

/** Its texts have the names that errors call them by. */
export interface WebhookDraft {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly headers: string;
  readonly ca: string;
  /** In seconds. */
  readonly timeoutMs: string;
  readonly backoffMs: string;
  readonly threshold: string;
  readonly ignored: readonly WebhookAction[];
  /** What is never shown, and shall go. */
  readonly removesSecret: boolean;
  readonly removesHeaders: boolean;
}

/** `row` is absent for a new one. Secret, headers, certificates and the query of an address are never shown: empty they stay. */
export function draftOf(row: WebhookRow | undefined): WebhookDraft {
  const { name = '', timeoutMs = 5000, backoffMs = 1000, threshold = 10, ignoredActions = [] } = row ?? {};
  return {
    name,
    url: row !== undefined && isUrlWhole(row) ? row.url : '',
    secret: '',
    headers: '',
    ca: '',
    timeoutMs: String(timeoutMs / 1000),
    backoffMs: String(backoffMs / 1000),
    threshold: String(threshold),
    ignored: webhookActions.filter((action) => ignoredActions.includes(action)),
    removesSecret: false,
    removesHeaders: false,
  };
}

/** Nothing of it is hidden. */
export function isUrlWhole({ url }: WebhookRow): boolean {
  return !url.endsWith('?***');
}

/** The same with an action that is told of or not. */
export function withAction(draft: WebhookDraft, action: WebhookAction, isTold: boolean): WebhookDraft {
  const ignored = webhookActions.filter((each) => (each === action ? !isTold : draft.ignored.includes(each)));
  return { ...draft, ignored };
}

/** Throws where the headers cannot be read. */
export function askedBy(draft: WebhookDraft): AdminInput<'webhooks.set'> {
  const { name, url, secret, headers, ca, timeoutMs, backoffMs, threshold, ignored } = draft;
  return {
    name,
    ...(url !== '' && { url }),
    ...((draft.removesSecret || secret !== '') && { secret: draft.removesSecret ? '' : secret }),
    ...((draft.removesHeaders || headers.trim() !== '') && {
      headers: draft.removesHeaders ? {} : parseHeaders(headers),
    }),
    ...(ca.trim() !== '' && { ca }),
    ignoredActions: [...ignored],
    timeoutMs: Math.round(Number(timeoutMs) * 1000),
    backoffMs: Math.round(Number(backoffMs) * 1000),
    threshold: Number(threshold),
  };
}

export function commandOf({ name, url, secret, ignored, ...times }: WebhookDraft): string {
  const words = [
    ['berth', 'webhook', 'add', name === '' ? 'NAME' : name, url === '' ? 'URL' : url],
    secret === '' ? [] : ['--secret-stdin'],
    ['--ignore', ...(ignored.length === 0 ? ['none'] : ignored)],
    ['--timeout', `${times.timeoutMs}s`, '--backoff', `${times.backoffMs}s`],
    ['--threshold', times.threshold],
  ];
  return shellLine(...words.flat());
}
