/** One endpoint: its events go out in order, one at a time, each until it is taken. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../disk/private-file.ts';
import { isAppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { shownUrl } from '../spec/webhook.ts';
import type { WebhookRow, WebhookTest } from '../spec/admin/webhooks.ts';
import type { Endpoint } from './endpoints.ts';
import { createSender } from './post.ts';
import type { EventQueue, QueuedEvent } from './queue.ts';

export interface Delivery extends AsyncDisposable {
  row(): WebhookRow;
  /** Sends an event at once, besides the queue, and answers how it went. */
  test(event: string, options: { readonly signal: AbortSignal }): Promise<WebhookTest>;
  /** Ends the wait for the next try. */
  retry(): void;
}

export interface DeliveryOptions {
  readonly endpoint: Endpoint;
  readonly queue: EventQueue;
  readonly userAgent: string;
  readonly isAllowed: (host: string, address: string) => boolean;
  /** How long events are kept, in milliseconds. */
  readonly keepMs: () => number;
  /** Called when the endpoint begins to fail, or works again. */
  readonly onChange: () => void;
  readonly log: Log;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** From 0 to 1, for the waits. */
  readonly random?: () => number;
}

const longestWaitMs = 5 * 60 * 1000;

interface Failing {
  readonly since: number;
  readonly failures: number;
  readonly error: string;
  readonly nextTryAt: number;
}

/**
 * The wait after so many failures in a row: `backoff` up to the threshold, then twice as long each time, up to 5
 * minutes; a fifth more or less, so that receivers that come back are not met by everybody at once.
 */
export function waitAfter(
  failures: number,
  { threshold, backoffMs }: Pick<Endpoint, 'threshold' | 'backoffMs'>,
  random: () => number = Math.random,
): number {
  const grown = backoffMs * 2 ** Math.min(Math.max(0, failures - threshold), 32);
  const capped = Math.min(grown, Math.max(longestWaitMs, backoffMs));
  return Math.round(capped * (0.8 + 0.4 * random()));
}

/** Delivers what is in the queue until it is disposed. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { endpoint, queue, userAgent, isAllowed, keepMs, onChange, log, random } = options;
  const { now = Date.now } = options;
  const sender = createSender(endpoint, { userAgent, isAllowed });
  const controller = new AbortController();
  const { signal } = controller;
  const fields = { webhook: endpoint.name };
  let failing: Failing | undefined;
  let wake = new AbortController();

  async function run(): Promise<void> {
    for (;;) {
      try {
        await deliverNext();
      } catch (error) {
        if (signal.aborted) throw error;
        const code = systemCode(error);
        if (isAppError(error)) await failed(error.message, error.hint);
        else if (code !== undefined) await failed(`The events cannot be read: ${code}.`, 'Check the disk.');
        else throw error;
      }
    }
  }

  async function deliverNext(): Promise<void> {
    const event = await queue.head({ signal });
    if (isUnusable(event)) return await queue.advance(event, 'dropped');
    const status = await sender.post(event.line, { signal });
    recovered();
    await queue.advance(event, 'delivered');
    log.debug('webhookDelivered', 'event delivered', { ...fields, status });
  }

  /** Too old, or garbage of the disk. */
  function isUnusable({ line }: QueuedEvent): boolean {
    const at = timeOf(line);
    if (at !== undefined && now() - at < keepMs()) return false;
    log.warn(
      'webhookDropped',
      at === undefined
        ? 'an event could not be read and was given up'
        : 'an event was given up: it is too old',
      { ...fields, ...(at === undefined ? {} : { at: new Date(at).toISOString() }) },
    );
    return true;
  }

  function recovered(): void {
    if (failing === undefined) return;
    const { failures } = failing;
    failing = undefined;
    log.info('webhookRecovered', 'a webhook works again', { ...fields, failures, pending: queue.pending });
    onChange();
  }

  async function failed(reason: string, hint: string): Promise<void> {
    const failures = (failing?.failures ?? 0) + 1;
    const waitMs = waitAfter(failures, endpoint, random);
    const isFirst = failing === undefined;
    failing = { since: failing?.since ?? now(), failures, error: reason, nextTryAt: now() + waitMs };
    log[isFirst ? 'warn' : 'debug']('webhookFailed', reason, {
      ...fields,
      failures,
      pending: queue.pending,
      seconds: Math.round(waitMs / 1000),
      hint,
    });
    if (isFirst) onChange();
    wake = new AbortController();
    await delay(waitMs, undefined, { signal: AbortSignal.any([signal, wake.signal]), ref: false }).catch(() =>
      signal.throwIfAborted(),
    );
  }

  const running = endpoint.isDisabled
    ? Promise.resolve()
    : run().catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });

  return {
    row() {
      const { pending, delivered, dropped } = queue;
      const state = failing === undefined ? 'ok' : 'failing';
      return {
        name: endpoint.name,
        url: shownUrl(endpoint.url),
        isLocked: endpoint.isLocked,
        isSigned: endpoint.secret !== undefined,
        headers: Object.keys(endpoint.headers),
        ignoredActions: endpoint.ignoredActions,
        ignoredMediaTypes: endpoint.ignoredMediaTypes,
        timeoutMs: endpoint.timeoutMs,
        backoffMs: endpoint.backoffMs,
        threshold: endpoint.threshold,
        state: endpoint.isDisabled ? 'disabled' : state,
        ...(failing === undefined
          ? {}
          : {
              failingSince: new Date(failing.since).toISOString(),
              error: failing.error,
              nextTryAt: new Date(failing.nextTryAt).toISOString(),
            }),
        pending,
        delivered,
        dropped,
      };
    },
    async test(event, { signal: asked }) {
      const startedAt = performance.now();
      const took = (): number => Math.round(performance.now() - startedAt);
      try {
        const status = await sender.post(event, { signal: AbortSignal.any([signal, asked]) });
        return { status, milliseconds: took() };
      } catch (error) {
        if (!isAppError(error)) throw error;
        const status = statusOf(error.detail);
        const sentence = error.code === 'WEBHOOK_REFUSED' ? `${error.message} ${error.hint}` : error.message;
        return { ...(status === undefined ? {} : { status }), milliseconds: took(), error: sentence };
      }
    },
    retry: () => wake.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
      sender[Symbol.dispose]();
    },
  };
}

function timeOf(line: string): number | undefined {
  try {
    const { timestamp } = JSON.parse(line) as { readonly timestamp?: unknown };
    const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
    return Number.isNaN(at) ? undefined : at;
  } catch {
    // Bytes that a disk gave back wrong; the caller drops them and says so.
    return undefined;
  }
}

function statusOf(detail: unknown): number | undefined {
  return typeof detail === 'object' &&
    detail !== null &&
    'status' in detail &&
    typeof detail.status === 'number'
    ? detail.status
    : undefined;
}
