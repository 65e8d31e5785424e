/**
 * A file for the page, from the process of the registry over a port of its own: `head` or `absent` first, then one part for
 * each message of the receiver. Closing the port ends the reading.
 */
import { dispositionOf } from '../registry/spec/disposition.ts';
import type { Port } from './port-channel.ts';

/** What a ticket stands for. */
export interface Download {
  readonly fileName: string;
  readonly mediaType: string;
  /** In bytes, where it is known. */
  readonly size?: number;
  readonly open: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

type Part =
  | { readonly kind: 'head'; readonly fileName: string; readonly mediaType: string; readonly size?: number }
  | { readonly kind: 'part'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'absent' | 'end' | 'failed' };

/** Sends what a ticket stands for; `undefined` for one that stands for nothing. */
export function sendDownload(port: Port, download: Download | undefined): void {
  const send = (part: Part): void => port.postMessage(part);
  if (download === undefined) return send({ kind: 'absent' });
  const { open, fileName, mediaType, size } = download;
  const gone = new AbortController();
  const parts = open(gone.signal)[Symbol.asyncIterator]();
  port.on('close', () => gone.abort());
  port.on('message', () => {
    parts.next().then(
      ({ done, value }) =>
        send(done === true ? { kind: 'end' } : { kind: 'part', bytes: new Uint8Array(value) }),
      () => send({ kind: 'failed' }),
    );
  });
  send({ kind: 'head', fileName, mediaType, ...(size === undefined ? {} : { size }) });
  port.start();
}

/** The answer to a page that fetches the file; 404 where there is none. A body that breaks off is an error. */
export async function receiveDownload(port: Port): Promise<Response> {
  let waiting = Promise.withResolvers<Part>();
  let isClosed = false;
  port.on('message', ({ data }) => waiting.resolve(data as Part));
  port.on('close', () => {
    isClosed = true;
    waiting.resolve({ kind: 'failed' });
  });
  port.start();
  const head = await waiting.promise;
  if (head.kind !== 'head') {
    port.close();
    return new Response('', { status: 404 });
  }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      waiting = Promise.withResolvers();
      if (isClosed) waiting.resolve({ kind: 'failed' });
      else port.postMessage('more');
      const part = await waiting.promise;
      if (part.kind === 'part') return controller.enqueue(part.bytes);
      if (part.kind === 'end') controller.close();
      else controller.error(new Error('the registry broke the file off'));
      port.close();
    },
    cancel: () => port.close(),
  });
  return new Response(body, {
    headers: {
      'Content-Type': head.mediaType,
      'Content-Disposition': dispositionOf(head.fileName),
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'X-Content-Type-Options': 'nosniff',
      ...(head.size === undefined ? {} : { 'Content-Length': String(head.size) }),
    },
  });
}
