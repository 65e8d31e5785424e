/**
 * A channel over a WebSocket: one JSON value in a text frame, at most 1 MiB. It stops reading while the other side does
 * not take its answers, so that a client cannot fill its memory, and closes if the other side is silent for two pings.
 */
import type { WebSocket } from 'ws';
import { AppError } from '../../spec/errors.ts';
import { type Channel, maxMessageBytes } from '../../spec/rpc.ts';

export interface SocketChannel extends Channel {
  /** Closes with a code and a reason of at most 123 bytes. */
  end(code: number, reason: string): void;
}

/** With more than this on its way the other side is slow. */
const highWaterBytes = 64 * 1024;

/** Makes the channel of an open WebSocket, which belongs to the channel from then on. */
export function createSocketChannel(
  socket: WebSocket,
  { pingMs = 30_000 }: { readonly pingMs?: number } = {},
): SocketChannel {
  let listener: ((message: unknown) => void) | undefined;
  const closeListeners: (() => void)[] = [];
  let isClosed = false;
  let isAlive = true;
  let drained: PromiseWithResolvers<void> | undefined;

  const timer = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingMs);
  socket.on('pong', () => {
    isAlive = true;
  });
  // A broken connection, and what breaks the protocol, closes; that is what the listeners learn.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(timer);
    stop();
  });
  // Until somebody listens, what comes waits in the connection.
  socket.pause();

  /** Nothing arrives any more, though the other side may take its time to close. */
  function stop(): void {
    if (isClosed) return;
    isClosed = true;
    drained?.resolve();
    for (const listen of closeListeners) listen();
  }

  function end(code: number, reason: string): void {
    if (isClosed) return;
    // Paused, it would not see the answer to its close.
    socket.resume();
    socket.close(code, reason);
    stop();
  }

  function sent(): void {
    if (socket.bufferedAmount > highWaterBytes) return;
    drained?.resolve();
    drained = undefined;
    if (!isClosed && socket.isPaused) socket.resume();
  }

  return {
    send(message) {
      if (isClosed) return;
      const text = Buffer.from(JSON.stringify(message));
      if (text.length > maxMessageBytes) {
        throw new AppError('USAGE', {
          message: `A message of ${text.length} bytes is larger than the 1 MiB that one may have.`,
          hint: 'Ask for less at once, for example with a smaller limit.',
        });
      }
      socket.send(text, { binary: false }, sent);
      if (socket.bufferedAmount > highWaterBytes) socket.pause();
    },
    onMessage(listen) {
      if (listener === undefined) {
        socket.on('message', (data: Buffer, isBinary: boolean) => {
          isAlive = true;
          if (!isClosed) listener?.(isBinary ? undefined : parse(data));
        });
        socket.resume();
      }
      listener = listen;
    },
    onClose(listen) {
      if (isClosed) listen();
      else closeListeners.push(listen);
    },
    close: () => end(1000, ''),
    end,
    async ready() {
      if (isClosed || socket.bufferedAmount <= highWaterBytes) return;
      drained ??= Promise.withResolvers();
      await drained.promise;
    },
  };
}

/** `undefined` for what is not JSON; no JSON text has that value. */
function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
