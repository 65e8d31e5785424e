/**
 * What a request below /api must show before anything is done for it, so that pages of others cannot ask in the name of
 * somebody who is logged in. Browsers send the cookie from every port of this host, so SameSite alone is not enough.
 */
import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../../spec/errors.ts';
import type { Exchange } from '../exchange.ts';

/** The headers of each answer, and none that lets another origin read it. */
export function harden({ res }: Pick<Exchange, 'res'>): void {
  for (const each of res.getHeaderNames()) if (each.startsWith('access-control-')) res.removeHeader(each);
  res.removeHeader('Docker-Distribution-Api-Version');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  res.setHeader('Referrer-Policy', 'no-referrer');
}

/**
 * The request comes over TLS and from a page of this origin, or was typed into the address bar.
 * @throws AppError HTTPS_NEEDED, PAGE_DENIED
 */
export function checkPage({ req, res, origin: own }: Exchange): void {
  if (!own.startsWith('https:')) {
    res.setHeader('Upgrade', 'TLS/1.2, HTTP/1.1');
    throw new AppError('HTTPS_NEEDED', { message: 'The control plane speaks HTTPS only.' });
  }
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw denied('It comes from another site.');
  if (origin !== undefined && origin !== new URL(own).origin)
    throw denied(`Its Origin is not ${new URL(own).origin}.`);
  // Browsers send none with a plain GET of the own page, and always one with a write and a WebSocket.
  if (origin === undefined && (req.method !== 'GET' || req.headers.upgrade !== undefined))
    throw denied('It has no Origin.');
}

/** @throws AppError PAGE_DENIED unless the body is JSON, which forms cannot send */
export function checkJson({ req }: Exchange): void {
  const type = req.headers['content-type'] ?? '';
  if (!/^application\/json *(?:; *charset="?utf-8"?)?$/i.test(type))
    throw denied('Its Content-Type is not application/json.');
}

/** @throws AppError PAGE_DENIED unless the token is that of the session */
export function checkCsrf(given: string | undefined, { csrf }: { readonly csrf: string }): void {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(csrf)];
  if (one.length !== other.length || !timingSafeEqual(one, other))
    throw denied('It lacks the CSRF token of its session.');
}

function denied(reason: string): AppError {
  return new AppError('PAGE_DENIED', { message: `Only pages of this registry may ask this. ${reason}` });
}
