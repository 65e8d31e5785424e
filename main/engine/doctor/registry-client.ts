/** A client of the distribution API for the doctor's own push and pull, over the TLS that all clients meet. */
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { Credentials } from '../api/engine-auth.ts';

export interface RegistryClient {
  /** host:port. */
  readonly address: string;
  /** PEM to trust; the system's store when absent. */
  readonly ca: string | undefined;
  readonly credentials: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends one request on a connection of its own. Throws the error of the system or of TLS. */
export async function requestRegistry(
  { address, ca, credentials, signal }: RegistryClient,
  {
    method = 'GET',
    path,
    headers = {},
    body,
  }: {
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array;
  },
): Promise<RegistryAnswer> {
  const { hostname, port } = new URL(`https://${address}`);
  const outgoing = request({
    host: hostname.replaceAll(/[[\]]/g, ''),
    port: port || '443',
    method,
    path,
    headers: {
      ...(credentials === undefined
        ? {}
        : {
            authorization: `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`,
          }),
      ...(body === undefined ? {} : { 'content-length': body.byteLength }),
      ...headers,
    },
    agent: false,
    timeout: 10_000,
    ...(ca === undefined ? {} : { ca }),
    ...(signal === undefined ? {} : { signal }),
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
  const answered = new Promise<RegistryAnswer>((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
        reject,
      );
    });
  });
  outgoing.end(body);
  return await answered;
}
