/** Loaded first in a utility process: gives it `process.parentPort`. */
import { EventEmitter } from 'node:events';
import { MessageChannelMain, type MessagePortMain, type PortNote } from './ports.ts';

type FromParent =
  { readonly kind: 'message'; readonly data: unknown; readonly ports: readonly number[] } | PortNote;

const ports = new Map<number, MessagePortMain>();

class ParentPort extends EventEmitter {
  readonly #early: unknown[] = [];
  constructor() {
    super();
    this.on('newListener', (name) => {
      if (name === 'message')
        queueMicrotask(() => {
          for (const event of this.#early.splice(0)) this.emit('message', event);
        });
    });
  }
  postMessage(data: unknown): void {
    process.send?.({ kind: 'message', data });
  }
  arrive(event: object): void {
    if (this.listenerCount('message') === 0) this.#early.push(event);
    else this.emit('message', event);
  }
}

const parentPort = new ParentPort();
Object.defineProperty(process, 'parentPort', { value: parentPort });

process.on('message', (message: FromParent) => {
  if (message.kind === 'portMessage') ports.get(message.id)?.postMessage(message.data);
  else if (message.kind === 'portClosed') ports.get(message.id)?.close();
  else parentPort.arrive({ data: message.data, ports: message.ports.map(openPort) });
});
// A utility process does not outlive its app.
process.on('disconnect', () => process.exit(0));

function openPort(id: number): MessagePortMain {
  const { port1, port2 } = new MessageChannelMain();
  ports.set(id, port1);
  port1.relay((data) => process.send?.({ kind: 'portMessage', id, data } satisfies PortNote));
  port1.on('close', () => {
    if (ports.delete(id) && process.connected) process.send?.({ kind: 'portClosed', id } satisfies PortNote);
  });
  return port2;
}
