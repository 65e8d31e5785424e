import type { Channel } from '../registry/spec/rpc.ts';

/** A MessagePort of Electron, as the shell and the process of the registry see it. */
export interface Port {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

/** Makes the channel of a port, which belongs to the channel from then on. */
export function createPortChannel(port: Port): Channel {
  let isClosed = false;
  const closeListeners: (() => void)[] = [];
  let listener: ((message: unknown) => void) | undefined;

  function end(): void {
    if (isClosed) return;
    isClosed = true;
    for (const listen of closeListeners) listen();
  }

  port.on('message', ({ data }) => {
    if (!isClosed) listener?.(data);
  });
  port.on('close', end);
  return {
    send(message) {
      if (!isClosed) port.postMessage(message);
    },
    onMessage(listen) {
      const isFirst = listener === undefined;
      listener = listen;
      // What was sent before waits in the port until now.
      if (isFirst) port.start();
    },
    onClose(listen) {
      if (isClosed) listen();
      else closeListeners.push(listen);
    },
    close() {
      if (isClosed) return;
      port.close();
      end();
    },
  };
}
