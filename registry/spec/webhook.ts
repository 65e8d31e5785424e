/** Webhooks: what is told to other programs, and the grammar of where. */
import type { Digest } from './digest.ts';
import type { Actor } from './events.ts';

/** The actions of distribution's events. */
export const webhookActions = ['pull', 'push', 'mount', 'delete'] as const;
export type WebhookAction = (typeof webhookActions)[number];

/** Something that happened to the content of a repository, before it is put into words for a receiver. */
export interface Happening {
  readonly action: WebhookAction;
  readonly kind: 'manifest' | 'blob' | 'tag';
  readonly actor: Actor;
  readonly repository: string;
  /** Absent for a tag that is deleted. */
  readonly digest?: Digest | undefined;
  readonly tag?: string | undefined;
  /** Of a manifest; blobs have none of their own. */
  readonly mediaType?: string | undefined;
  /** In bytes. */
  readonly size?: number | undefined;
  /** Where a blob was mounted from. */
  readonly fromRepository?: string | undefined;
  /** The manifest itself, for what it refers to. */
  readonly manifest?: Uint8Array | undefined;
}

/** Takes what happened. What it answers is waited for before a write is acknowledged; it never rejects. */
export interface WebhookSink {
  publish(happening: Happening): Promise<void> | void;
}

/** An endpoint's name: one line of text, up to 128 characters. */
export function parseWebhookName(text: string): string | undefined {
  return /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,128}$/u.test(text) && text.trim() === text ? text : undefined;
}

/** `http://` or `https://` with a host; no login, which would end up in logs, and no fragment. */
export function parseWebhookUrl(text: string): string | undefined {
  return /^https?:\/\/[^\s/?#@\\]+(?:[/?][\x21\x22\x24-\x7e]*)?$/i.test(text) && text.length <= 2048
    ? text
    : undefined;
}

export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) && !ownHeaders.has(text.toLowerCase());
}

export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** Set by the sender, or of one connection alone (RFC 9110 7.6.1). */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** An address as it may be shown: what follows the question mark may be a secret. */
export function shownUrl(url: string): string {
  return url.replace(/\?.*$/s, '?***');
}
