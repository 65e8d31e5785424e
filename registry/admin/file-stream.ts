/**
 * A file over the socket of the control plane: what a ticket stands for, on a connection of its own.
 *
 *   client -> server   {"fetch": "<ticket>"} as its first line
 *   server -> client   {"fileName", "mediaType", "size"?} as one line, then frames; or {} for a ticket of nothing, and the end
 *
 * A frame is its length in four bytes, big-endian, and so many bytes. One of no bytes says that the file is whole: without
 * it the file broke off.
 */
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Offer } from '../feed/tickets.ts';
import { AppError } from '../spec/errors.ts';
import type { Channel } from '../spec/rpc.ts';

/** A file that another process sends. */
export type ReceivedFile = Pick<Offer, 'fileName' | 'mediaType' | 'size'> & {
  /** The bytes, to be read once. Without a reader, and after the signal, nothing is sent. */
  readonly open: (signal: AbortSignal) => AsyncGenerator<Uint8Array>;
};

const longestHead = 64 * 1024;
const longestFrame = 1024 * 1024;
const lineFeed = 0x0a;

/** The channel of a connection whose first message may ask for a file; `send` gets the ticket then, and the connection. */
export function withFiles(channel: Channel, send: (ticket: string) => void): Channel {
  let isFirst = true;
  return {
    ...channel,
    onMessage(listen) {
      channel.onMessage((message) => {
        const ticket = isFirst ? ticketOf(message) : undefined;
        isFirst = false;
        if (ticket === undefined) return listen(message);
        // Whoever asks for a file has nothing more to say.
        channel.onMessage(() => undefined);
        send(ticket);
      });
    },
  };
}

function ticketOf(message: unknown): string | undefined {
  const isAsking = typeof message === 'object' && message !== null && 'fetch' in message;
  return isAsking && typeof message.fetch === 'string' ? message.fetch : undefined;
}

/** Sends what a ticket stands for and ends the connection. Rejects where it breaks off, which the other side sees. */
export async function sendFile(socket: Socket, offer: Offer | undefined): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  await pipeline(offer === undefined ? [Buffer.from('{}\n')] : framesOf(offer, gone.signal), socket);
}

async function* framesOf({ fileName, mediaType, size, open }: Offer, signal: AbortSignal) {
  const bytes = open(signal);
  yield Buffer.from(`${JSON.stringify({ fileName, mediaType, size })}\n`);
  for await (const part of bytes as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < part.length; at += longestFrame) {
      const frame = part.subarray(at, at + longestFrame);
      yield lengthOf(frame.length);
      yield frame;
    }
  }
  yield lengthOf(0);
}

function lengthOf(bytes: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes);
  return head;
}

/**
 * Asks over a connection, which is its own from then on, for what a ticket stands for; `undefined` for nothing. Reading it
 * throws NOT_RUNNING where the other side breaks off.
 */
export async function fetchFile(socket: Socket, ticket: string): Promise<ReceivedFile | undefined> {
  socket.write(`${JSON.stringify({ fetch: ticket })}\n`);
  const input = createInput(socket);
  const head = JSON.parse((await input.line()).toString()) as Partial<ReceivedFile>;
  const { fileName, mediaType, size } = head;
  if (fileName === undefined || mediaType === undefined) {
    socket.destroy();
    return undefined;
  }
  async function* frames(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const length = (await input.exactly(4)).readUInt32BE();
        if (length === 0) return;
        if (length > longestFrame) throw brokenOff();
        yield await input.exactly(length);
      }
    } finally {
      socket.destroy();
    }
  }
  return {
    fileName,
    mediaType,
    ...(size === undefined ? {} : { size }),
    open(signal) {
      if (signal.aborted) socket.destroy();
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      return frames();
    },
  };
}

/** The bytes of a connection, read as they are wanted. */
function createInput(socket: Socket) {
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  let held: Buffer = Buffer.alloc(0);

  async function more(): Promise<void> {
    const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true as const }));
    if (done === true || value === undefined) throw brokenOff();
    held = held.length === 0 ? value : Buffer.concat([held, value]);
  }

  function take(bytes: number): Buffer {
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  }

  return {
    async line(): Promise<Buffer> {
      let end = held.indexOf(lineFeed);
      for (; end === -1; end = held.indexOf(lineFeed)) {
        if (held.length > longestHead) throw brokenOff();
        await more();
      }
      return take(end + 1);
    },
    async exactly(bytes: number): Promise<Buffer> {
      while (held.length < bytes) await more();
      return take(bytes);
    },
  };
}

function brokenOff(): AppError {
  return new AppError('NOT_RUNNING', { message: 'The registry broke the file off.' });
}
