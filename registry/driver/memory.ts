/** The contract in memory, for `storage.inmemory` and for tests of the wire. Nothing survives the driver. */
import { Readable, addAbortSignal } from 'node:stream';

import { lengthOf } from './chunks.ts';
import type {
  CommitOptions,
  Driver,
  ListEntry,
  ListOptions,
  Part,
  PartOptions,
  Reader,
  Stages,
  WaitOptions,
  Write,
} from './driver.ts';
import { interruptible } from './interruptible.ts';

/** A key's bytes. A write makes a new value, so that readers of the old one keep it; a part grows in place. */
interface Value {
  chunks: Uint8Array[];
  size: number;
  modifiedAt: number;
}

/** Makes an empty driver. */
export function createMemoryDriver(): Driver {
  const values = new Map<string, Value>();

  function openPart(key: string, { create, beside }: PartOptions): Promise<Part | undefined> {
    const found = values.get(key) ?? (create ? createValue([]) : undefined);
    if (found === undefined) return Promise.resolve(undefined);
    values.set(key, found);
    if (create && beside !== undefined) writeKey(values, { ...beside, if: 'absent' });
    return Promise.resolve(createMemoryPart(values, key, found));
  }

  function commit(stages: Stages): Promise<void> {
    for (const write of stages.flat()) writeKey(values, write);
    return Promise.resolve();
  }

  async function* list(prefix: string, { after = '' }: ListOptions = {}) {
    const start = prefix === '' ? '' : `${prefix}/`;
    const kinds = new Map<string, ListEntry['kind']>();
    for (const key of values.keys()) {
      if (!key.startsWith(start)) continue;
      const [name = '', ...below] = key.slice(start.length).split('/');
      if (name > after) kinds.set(name, below.length > 0 ? 'tree' : 'file');
    }
    for (const name of [...kinds.keys()].toSorted()) {
      const kind = kinds.get(name);
      if (kind !== undefined) yield { name, kind };
    }
  }

  return {
    name: 'inmemory',
    stat(key) {
      const value = values.get(key);
      return Promise.resolve(value && { size: value.size, modifiedAt: value.modifiedAt });
    },
    open(key) {
      const value = values.get(key);
      return Promise.resolve(value && openValue(value));
    },
    async readSmall(key, { limit }) {
      const value = values.get(key);
      if (value !== undefined && value.size > limit)
        throw new RangeError(`${key} has ${value.size} bytes, more than ${limit}`);
      return value && new Uint8Array(Buffer.concat(value.chunks));
    },
    write: (key, bytes, options) => Promise.resolve(writeKey(values, { ...options, key, bytes })),
    commit,
    list,
    remove(key) {
      values.delete(key);
      return Promise.resolve();
    },
    removeTree(prefix) {
      removeBelow(values, prefix);
      return Promise.resolve();
    },
    openPart,
    [Symbol.asyncDispose]() {
      values.clear();
      return Promise.resolve();
    },
  };
}

function removeBelow(values: Map<string, Value>, prefix: string): void {
  for (const key of values.keys()) if (key === prefix || key.startsWith(`${prefix}/`)) values.delete(key);
}

function writeKey(values: Map<string, Value>, { key, bytes, if: condition }: Write): boolean {
  const found = values.get(key);
  if (found !== undefined && (condition === 'absent' || (condition === 'empty' && found.size > 0)))
    return false;
  values.set(key, createValue([new Uint8Array(bytes)]));
  return true;
}

function createValue(chunks: Uint8Array[]): Value {
  return { chunks, size: chunks.reduce((sum, chunk) => sum + chunk.length, 0), modifiedAt: Date.now() };
}

function createMemoryPart(values: Map<string, Value>, key: string, value: Value): Part {
  let state: 'open' | 'in use' | 'closed' = 'open';

  function assertOpen(): void {
    if (state !== 'open') throw new Error(`the part ${key} is ${state}`);
  }

  return {
    get size() {
      return value.size;
    },
    async append(source, { signal, hash } = {}) {
      assertOpen();
      state = 'in use';
      const before = value.size;
      try {
        for await (const chunks of interruptible(source, signal)) {
          hash?.update(chunks);
          for (const chunk of chunks) value.chunks.push(chunk);
          value.size += lengthOf(chunks);
        }
      } finally {
        value.modifiedAt = Date.now();
        state = 'open';
      }
      return value.size - before;
    },
    async truncate(size) {
      assertOpen();
      if (size > value.size) throw new RangeError(`a part of ${value.size} bytes cannot be cut to ${size}`);
      Object.assign(value, createValue([new Uint8Array(Buffer.concat(value.chunks, size))]));
    },
    read: (options) => readPart(value, options),
    async commit(target, { unless, after = [], clear }: CommitOptions = {}) {
      assertOpen();
      const isMoved = unless === undefined || values.get(target)?.size !== value.size;
      if (isMoved) {
        state = 'closed';
        values.delete(key);
        values.set(target, createValue(value.chunks));
      }
      for (const write of after.flat()) writeKey(values, write);
      if (isMoved && clear !== undefined) removeBelow(values, clear);
      return isMoved;
    },
    async discard() {
      assertOpen();
      state = 'closed';
      values.delete(key);
    },
    [Symbol.asyncDispose]() {
      state = 'closed';
      return Promise.resolve();
    },
  };
}

/** Chunks are only ever added to a value, so those of now and the size of now are what it holds for good. */
function openValue({ chunks, size }: Value): Reader {
  const kept = chunks.slice();

  function read(into: Uint8Array, position: number): number {
    const end = Math.min(size, position + into.length);
    let at = 0;
    for (const chunk of kept) {
      const part = chunk.subarray(Math.max(0, position - at), Math.max(0, end - at));
      if (part.length > 0) into.set(part, Math.max(0, at - position));
      at += chunk.length;
    }
    return Math.max(0, end - position);
  }

  return {
    size,
    read: (into, position) => Promise.resolve(read(into, position)),
    readHashed(block, position, hash) {
      const bytes = block.subarray(0, read(block, position));
      hash.update([bytes]);
      return Promise.resolve(bytes);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function readPart({ chunks }: Value, { signal }: WaitOptions = {}): Readable {
  const stream = Readable.from(chunks.slice(), { objectMode: false });
  return signal === undefined ? stream : addAbortSignal(signal, stream);
}
