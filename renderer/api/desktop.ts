import { channels, type PortBridge } from '../../main/contract/channels.ts';
import { AppError } from '../../registry/spec/errors.ts';
import type { Channel } from '../../registry/spec/rpc.ts';
import type { Transport, TransportChannel } from './transport.ts';

export interface DesktopTransport extends Transport {
  /** Calls when a connection is offered while there is none: the registry is back. `open` takes it. */
  readonly onOffer: (listener: () => void) => void;
}

/** The control plane as the desktop hands it over, port by port; `undefined` in a browser. Nobody logs in there. */
export function findDesktopTransport(): DesktopTransport | undefined {
  const { berthPorts: bridge } = globalThis as { readonly berthPorts?: PortBridge };
  return bridge === undefined ? undefined : createDesktopTransport(bridge);
}

function createDesktopTransport(bridge: PortBridge): DesktopTransport {
  let offered: MessagePort | undefined;
  let current: Channel | undefined;
  let waiting: ((port: MessagePort | undefined) => void) | undefined;
  let onOffer: () => void = () => undefined;

  window.addEventListener('message', ({ source, data, ports }) => {
    if (source !== window || !isPortMessage(data)) return;
    const [port] = ports;
    if (waiting !== undefined) {
      waiting(port);
      waiting = undefined;
      return;
    }
    // Unasked, either means that the registry of the former connection is gone.
    offered?.close();
    offered = port;
    if (current !== undefined) current.close();
    else if (port !== undefined) onOffer();
  });

  async function ask(): Promise<MessagePort | undefined> {
    const { promise, resolve } = Promise.withResolvers<MessagePort | undefined>();
    waiting?.(undefined);
    waiting = resolve;
    bridge.ask();
    return await promise;
  }

  return {
    // Whoever sits at the desktop owns the registry.
    findUser: async () => 'you',
    downloadUrl: (ticket) => new URL(`download/${encodeURIComponent(ticket)}`, document.baseURI).href,
    async open() {
      const port = offered ?? (await ask());
      offered = undefined;
      if (port === undefined) throw new AppError('NOT_RUNNING');
      const channel = channelOf(port);
      current = channel;
      channel.onClose(() => {
        current = undefined;
      });
      return channel;
    },
    onOffer(listener) {
      onOffer = listener;
    },
  };
}

function isPortMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === channels.port;
}

function channelOf(port: MessagePort): TransportChannel {
  let isClosed = false;
  const closeListeners: (() => void)[] = [];
  function end(): void {
    if (isClosed) return;
    isClosed = true;
    for (const listener of closeListeners) listener();
  }
  let listen: ((message: unknown) => void) | undefined;
  port.addEventListener('message', ({ data }) => listen?.(data));
  // Electron's own event: browsers do not tell.
  port.addEventListener('close', end);
  return {
    send(message) {
      if (!isClosed) port.postMessage(message);
    },
    onMessage(listener) {
      listen = listener;
      // What came before waits in the port.
      port.start();
    },
    onClose(listener) {
      if (isClosed) listener();
      else closeListeners.push(listener);
    },
    close() {
      port.close();
      end();
    },
    // The shell tells what has become of the process.
    ending: () => undefined,
  };
}
