/**
 * A channel over a socket: one JSON value a line, at most 1 MiB of UTF-8. The server stops reading while the
 * other side does not take its answers, so that a client cannot fill its memory; the client always reads, as two
 * sides that both stop would wait for each other.
 */
import type { Socket } from 'node:net';
import { AppError } from '../spec/errors.ts';
import { maxMessageBytes } from '../spec/rpc.ts';
import type { Channel } from '../spec/rpc.ts';

const lineFeed = 0x0a;

/** Makes the channel of a socket, which belongs to the channel from then on. */
export function createLineChannel(socket: Socket, side: 'server' | 'client'): Channel {
  let listener: ((message: unknown) => void) | undefined;
  let parts: Buffer[] = [];
  let size = 0;
  let isClosed = false;
  const closeListeners: (() => void)[] = [];
  let drained: PromiseWithResolvers<void> | undefined;

  function end(): void {
    if (isClosed) return;
    isClosed = true;
    parts = [];
    drained?.resolve();
    for (const listen of closeListeners) listen();
  }

  // A broken connection closes, and that is what the listeners learn.
  socket.on('error', end);
  socket.on('close', end);
  socket.on('drain', () => {
    drained?.resolve();
    drained = undefined;
    if (side === 'server') socket.resume();
  });

  function read(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, start)) {
      keep(chunk.subarray(start, at));
      start = at + 1;
      if (isClosed) return;
      const line = Buffer.concat(parts, size);
      parts = [];
      size = 0;
      listener?.(parseLine(line));
    }
    keep(chunk.subarray(start));
  }

  function keep(part: Buffer): void {
    if (isClosed) return;
    size += part.length;
    if (size > maxMessageBytes) return listener?.(undefined);
    if (part.length > 0) parts.push(part);
  }

  return {
    send(message) {
      if (isClosed) return;
      const line = Buffer.from(`${JSON.stringify(message)}\n`);
      if (line.length > maxMessageBytes + 1) {
        throw new AppError('USAGE', {
          message: `A message of ${line.length} bytes is larger than the 1 MiB that one may have.`,
          hint: 'Ask for less at once, for example with a smaller limit.',
        });
      }
      if (!socket.write(line) && side === 'server') socket.pause();
    },
    onMessage(listen) {
      if (listener === undefined) socket.on('data', read);
      listener = listen;
    },
    onClose(listen) {
      if (isClosed) listen();
      else closeListeners.push(listen);
    },
    close() {
      if (isClosed) return;
      socket.end(() => socket.destroy());
      end();
    },
    async ready() {
      if (isClosed || !socket.writableNeedDrain) return;
      drained ??= Promise.withResolvers();
      await drained.promise;
    },
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** `undefined` for what is not JSON; no JSON text has that value. */
function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
}
