/**
 * Bytes for a browser, which do not ride the control plane: a method puts them up and answers a ticket, and the browser
 * fetches them once, by a GET that carries the ticket and the session of the same user.
 */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Actor } from '../spec/events.ts';

/** What a ticket stands for. */
export interface Offer {
  /** What the browser calls the file; any text. */
  readonly fileName: string;
  readonly mediaType: string;
  /** In bytes, where it is known. */
  readonly size?: number;
  /** Begins to read, when the ticket is used. The signal aborts when the browser goes. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Uint8Array> | Readable;
  /** Who asked for it, and nobody else may fetch it. */
  readonly actor: Actor;
}

export interface Tickets {
  /** Puts something up for 30 seconds and one use, and answers its ticket: 43 characters of base64url. */
  give(offer: Offer): string;
  /** What the ticket stands for, once; `undefined` if it was used, is over, or is of somebody else. */
  take(ticket: string, user: string): Offer | undefined;
}

const lifeMs = 30_000;
/** More than one person asks for at once; the oldest goes. */
const most = 1000;

/** No tickets, until one is given. `now` is a clock that never goes back, in milliseconds. */
export function createTickets(now: () => number = () => performance.now()): Tickets {
  /** In the order in which they end. */
  const offers = new Map<string, { readonly offer: Offer; readonly until: number }>();

  function forget(): void {
    for (const [ticket, { until }] of offers) {
      if (until > now() && offers.size < most) return;
      offers.delete(ticket);
    }
  }

  return {
    give(offer) {
      forget();
      const ticket = randomBytes(32).toString('base64url');
      offers.set(ticket, { offer, until: now() + lifeMs });
      return ticket;
    },
    take(ticket, user) {
      const found = offers.get(ticket);
      if (found === undefined || found.until <= now() || found.offer.actor.user !== user) return undefined;
      offers.delete(ticket);
      return found.offer;
    },
  };
}
