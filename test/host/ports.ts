/** Message ports that can be given to other processes and to pages, where what they carry is relayed. */
import { EventEmitter } from 'node:events';

export class MessagePortMain extends EventEmitter {
  peer: MessagePortMain | undefined;
  #deliver: ((data: unknown) => void) | undefined;
  readonly #early: unknown[] = [];
  #isClosed = false;

  postMessage(data: unknown): void {
    const { peer } = this;
    const copy = structuredClone(data);
    if (!this.#isClosed) queueMicrotask(() => peer?.receive(copy));
  }

  receive(data: unknown): void {
    if (this.#deliver === undefined) this.#early.push(data);
    else this.#deliver(data);
  }

  start(): void {
    this.relay((data) => this.emit('message', { data, ports: [] }));
  }

  /** What arrives goes there: the port was given away. */
  relay(deliver: (data: unknown) => void): void {
    this.#deliver = deliver;
    for (const data of this.#early.splice(0)) deliver(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    queueMicrotask(() => {
      this.emit('close');
      this.peer?.close();
    });
  }
}

export class MessageChannelMain {
  readonly port1 = new MessagePortMain();
  readonly port2 = new MessagePortMain();
  constructor() {
    this.port1.peer = this.port2;
    this.port2.peer = this.port1;
  }
}

/** What is said of ports that the other side holds, by the numbers that they have there. */
export type PortNote =
  | { readonly kind: 'portMessage'; readonly id: number; readonly data: unknown }
  | { readonly kind: 'portClosed'; readonly id: number };

/** The ports given to one process or page. */
export class GivenPorts {
  readonly #ports = new Map<number, MessagePortMain>();
  readonly #send: (note: PortNote) => void;
  #lastId = 0;

  constructor(send: (note: PortNote) => void) {
    this.#send = send;
  }

  give(ports: readonly MessagePortMain[]): readonly number[] {
    return ports.map((port) => {
      const id = ++this.#lastId;
      this.#ports.set(id, port);
      return id;
    });
  }

  /** To be called when the other side has learned the number. */
  open(ids: readonly number[]): void {
    for (const id of ids) {
      const port = this.#ports.get(id);
      port?.on('close', () => {
        if (this.#ports.delete(id)) this.#send({ kind: 'portClosed', id });
      });
      port?.relay((data) => this.#send({ kind: 'portMessage', id, data }));
    }
  }

  receive(note: PortNote): void {
    const port = this.#ports.get(note.id);
    if (note.kind === 'portMessage') return port?.postMessage(note.data);
    this.#ports.delete(note.id);
    port?.close();
  }

  closeAll(): void {
    const open = [...this.#ports.values()];
    this.#ports.clear();
    for (const port of open) port.close();
  }
}
