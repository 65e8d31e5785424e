/** One try to tell a receiver. */
import { createHmac } from 'node:crypto';
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  Agent as HttpAgent,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { formatDuration } from '../spec/duration.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { checkedLookup, checkTarget } from './targets.ts';
import type { Endpoint } from './endpoints.ts';

/** What registry:2 says; registry:3 counts it to v2 for the same form. */
const mediaType = 'application/vnd.docker.distribution.events.v1+json';

/** More of an answer is not read. */
const answerLimit = 64 * 1024;

export interface Sender extends Disposable {
  /**
   * Posts one event, and answers the status of the answer, a 2xx.
   * @throws AppError WEBHOOK_FAILED, WEBHOOK_REFUSED
   */
  post(event: string, options: { readonly signal: AbortSignal }): Promise<number>;
}

/** Makes what posts to an endpoint: one connection that is kept, no proxy, no redirects. */
export function createSender(
  endpoint: Endpoint,
  {
    userAgent,
    isAllowed,
  }: {
    readonly userAgent: string;
    readonly isAllowed: (host: string, address: string) => boolean;
  },
): Sender {
  const url = new URL(endpoint.url);
  const isSecure = url.protocol === 'https:';
  const lookup = checkedLookup(isAllowed);
  const trusted = endpoint.ca === undefined ? {} : { ca: [...getCACertificates('default'), endpoint.ca] };
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 2, ...trusted })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });

  function headersOf(body: Buffer): OutgoingHttpHeaders {
    const signature =
      endpoint.secret === undefined
        ? {}
        : {
            'X-Berth-Signature-256': `sha256=${createHmac('sha256', endpoint.secret).update(body).digest('hex')}`,
          };
    return {
      'User-Agent': userAgent,
      ...Object.fromEntries(Object.entries(endpoint.headers).map(([name, values]) => [name, [...values]])),
      'Content-Type': mediaType,
      'Content-Length': String(body.length),
      ...signature,
    };
  }

  async function answerTo(body: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
    checkTarget(url, isAllowed);
    return await new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent,
        lookup,
        signal,
        headers: headersOf(body),
      });
      request.once('response', resolve);
      request.on('error', reject);
      request.end(body);
    });
  }

  return {
    async post(event, { signal }) {
      const timeout = AbortSignal.timeout(endpoint.timeoutMs);
      try {
        const body = Buffer.from(`{"events":[${event}]}`);
        const answer = await answerTo(body, AbortSignal.any([signal, timeout]));
        drop(answer);
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) return status;
        throw new AppError('WEBHOOK_FAILED', { message: statusSentence(status), detail: { status } });
      } catch (error) {
        if (signal.aborted || isAppError(error)) throw error;
        const message = timeout.aborted
          ? `${url.host} did not answer within ${formatDuration(endpoint.timeoutMs)}.`
          : failureSentence(url.host, error);
        throw new AppError('WEBHOOK_FAILED', { message, cause: error });
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** Reads the answer away, so that the connection can be used again, up to a limit. The status has said everything. */
function drop(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on('error', () => undefined);
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > answerLimit) answer.destroy();
  });
}

function statusSentence(status: number): string {
  return status >= 300 && status < 400
    ? `The receiver answered ${status} and points elsewhere; redirects are not followed.`
    : `The receiver answered ${status}.`;
}

function failureSentence(host: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = failures[code];
  if (known !== undefined) return `${host}: ${known}.`;
  if (/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code))
    return `${host}: its certificate is not trusted (${code}).`;
  return `${host}: the connection failed${code === '' ? '' : ` (${code})`}.`;
}

const failures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was closed without an answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up at the moment',
  ETIMEDOUT: 'no connection in time',
};
