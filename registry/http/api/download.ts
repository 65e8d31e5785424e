import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Session } from '../../auth/sessions.ts';
import type { Tickets } from '../../feed/tickets.ts';
import { dispositionOf } from '../../spec/disposition.ts';
import { AppError } from '../../spec/errors.ts';
import type { Exchange } from '../exchange.ts';

/**
 * Sends what a ticket stands for as a file, as long as the session lasts. Throws ROUTE_UNKNOWN, the same for every
 * reason.
 */
export async function sendDownload(exchange: Exchange, tickets: Tickets, session: Session): Promise<void> {
  const { res, path } = exchange;
  const offer = tickets.take(path.slice(path.lastIndexOf('/') + 1), session.user);
  if (offer === undefined)
    throw new AppError('ROUTE_UNKNOWN', { message: 'This download was used already, or its time is over.' });
  const over = new AbortController();
  const forget = session.onEnd(() => over.abort(new AppError('CANCELLED')));
  res.once('close', forget);
  const signal = AbortSignal.any([exchange.signal(), over.signal]);
  const bytes = offer.open(signal);
  res.setHeader('Content-Type', offer.mediaType);
  if (offer.size !== undefined) res.setHeader('Content-Length', offer.size);
  res.setHeader('Content-Disposition', dispositionOf(offer.fileName));
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox");
  const count = new Transform({
    transform(chunk: Uint8Array, _, done) {
      exchange.streamedBytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(bytes, count, res, { signal });
}
