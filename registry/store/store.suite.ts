/** What the tests of this folder work with: a store on a watched driver, the events it tells, small images. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { checked } from '../driver/checked.ts';
import type { CommitOptions, Driver, Part, Stages } from '../driver/driver.ts';
import { openFsDriver } from '../driver/fs.ts';
import { createMemoryDriver } from '../driver/memory.ts';
import type { Algorithm, Digest } from '../spec/digest.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { ValidationRules } from './needed.ts';
import { createStore, type Store, type StoreOptions } from './store.ts';
import type { Chunk } from './uploads.ts';

export const actor: Actor = { user: 'dev', requestId: 'request' };
export const repository = 'team/api' as RepoName;

/** Each kind of driver, empty; what it needs is given back when it is disposed. */
export const drivers: Readonly<Record<'memory' | 'fs', () => Promise<Driver>>> = {
  memory: async () => checked(createMemoryDriver()),
  async fs() {
    const root = await mkdtemp(join(tmpdir(), 'berth-store-'));
    const driver = checked(await openFsDriver({ root }));
    return {
      ...driver,
      async [Symbol.asyncDispose]() {
        await driver[Symbol.asyncDispose]();
        await rm(root, { recursive: true, force: true });
      },
    };
  },
};

/** What a driver is asked to change, and where. */
export interface Step {
  readonly call: 'write' | 'append' | 'commit' | 'remove' | 'removeTree' | 'openPart';
  readonly key: string;
}

export interface Watch {
  /** Runs before a step; what it throws is the step's failure, what it waits for holds the step back. */
  readonly before?: (step: Step) => Promise<void> | void;
  /** Runs after a step that changed something; what it throws comes after the fact, as from a failed fsync. */
  readonly after?: (step: Step) => Promise<void> | void;
}

/** A driver whose changes are watched, held back or made to fail. */
function watched(driver: Driver, { before, after }: Watch): Driver {
  async function step<T>(call: Step['call'], key: string, act: () => Promise<T>): Promise<T> {
    await before?.({ call, key });
    const result = await act();
    await after?.({ call, key });
    return result;
  }
  /** One write after the other, as a commit makes them. */
  async function writeAll(stages: Stages): Promise<void> {
    for (const write of stages.flat()) await step('write', write.key, () => driver.commit([[write]]));
  }
  async function move(part: Part, target: string, options: CommitOptions): Promise<boolean> {
    await before?.({ call: 'commit', key: target });
    const isMoved = await part.commit(target, options);
    try {
      if (isMoved) await after?.({ call: 'commit', key: target });
    } catch (error) {
      await driver.remove(target);
      throw error;
    }
    return isMoved;
  }
  return {
    ...driver,
    write: (key, bytes, options) => step('write', key, () => driver.write(key, bytes, options)),
    commit: writeAll,
    remove: (key) => step('remove', key, () => driver.remove(key)),
    removeTree: (key, options) => step('removeTree', key, () => driver.removeTree(key, options)),
    async openPart(key, options) {
      const part = await step('openPart', key, () => driver.openPart(key, options));
      if (part === undefined) return undefined;
      return {
        get size() {
          return part.size;
        },
        append: (source, wait) => step('append', key, () => part.append(source, wait)),
        truncate: (size) => part.truncate(size),
        read: (wait) => part.read(wait),
        async commit(target, { unless, after: stages = [], clear } = {}) {
          const isMoved = await move(part, target, { unless });
          await writeAll(stages);
          if (isMoved && clear !== undefined)
            await step('removeTree', clear, () => driver.removeTree(clear, { durable: false }));
          return isMoved;
        },
        discard: () => part.discard(),
        [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
      } satisfies Part;
    },
  };
}

export interface OpenStore extends AsyncDisposable {
  readonly store: Store;
  readonly driver: Driver;
  /** Every event, its name first: `['tagMoved', { ... }]`. */
  readonly told: readonly (readonly [keyof StoreEvents, Readonly<Record<string, unknown>>])[];
  /** Another store on the same bytes, as after a restart. */
  restart(options?: Partial<Pick<StoreOptions, 'now' | 'monotonic'>>): Store;
}

export interface CollectSetup {
  readonly graceMs?: number | (() => number);
  readonly quarantineMs?: number;
  readonly deleteUntagged?: boolean;
}

export interface StoreSetup extends Watch {
  readonly on?: keyof typeof drivers;
  readonly uploadsPerUser?: number;
  readonly rules?: Partial<ValidationRules>;
  readonly clocks?: Partial<Pick<StoreOptions, 'now' | 'monotonic'>>;
  readonly collect?: CollectSetup;
  readonly trashKeepMs?: number;
  /** Stands between the store and its driver. */
  readonly wrap?: (driver: Driver) => Driver;
}

/** Opens an empty store; on the memory driver if nothing else is said. */
export async function openStore(setup: StoreSetup = {}): Promise<OpenStore> {
  const { on = 'memory', uploadsPerUser = 100, rules, clocks, collect: collecting, trashKeepMs } = setup;
  const { graceMs, quarantineMs, deleteUntagged } = collecting ?? {};
  const allRules: ValidationRules = {
    enabled: true,
    sparse: false,
    indexPlatforms: 'all',
    urls: { allow: [], deny: [] },
    ...rules,
  };
  const bare = await drivers[on]();
  const driver = watched(setup.wrap?.(bare) ?? bare, setup);
  const told: [keyof StoreEvents, Record<string, unknown>][] = [];
  const events = new Proxy({} as StoreEvents, {
    get: (_, name: keyof StoreEvents) => (event: Record<string, unknown>) => void told.push([name, event]),
  });
  const options = {
    driver,
    events,
    uploadsPerUser: () => uploadsPerUser,
    ...clocks,
    collect: {
      quarantineMs,
      ...(graceMs !== undefined && { graceMs: typeof graceMs === 'number' ? () => graceMs : graceMs }),
      ...(deleteUntagged !== undefined && { deleteUntagged: () => deleteUntagged }),
    },
    ...(trashKeepMs !== undefined && { trashKeepMs: () => trashKeepMs }),
    rules: () => allRules,
  } satisfies StoreOptions;
  return {
    store: createStore(options),
    driver,
    told,
    restart: (more) => createStore({ ...options, ...more }),
    [Symbol.asyncDispose]: () => bare[Symbol.asyncDispose](),
  };
}

export function sha(bytes: Uint8Array | string, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** A chunk of an upload, whole or at a place. */
export function chunk(bytes: Uint8Array | string | Readable, first?: number): Chunk {
  const source = bytes instanceof Readable ? bytes : Readable.from([Buffer.from(bytes)]);
  const length = bytes instanceof Readable ? 0 : Buffer.byteLength(bytes);
  const range = first === undefined ? undefined : { first, last: first + length - 1 };
  return { source, range, signal: new AbortController().signal };
}

export async function pushBlob(store: Store, name: RepoName, bytes: Uint8Array | string): Promise<Digest> {
  const digest = sha(bytes);
  const upload = await store.uploads.start(name, { algorithm: 'sha256', actor });
  await store.uploads.commit(upload, { digest, chunk: chunk(bytes), actor });
  return digest;
}

export interface ManifestParts {
  readonly config?: object;
  readonly layers?: readonly object[];
  readonly manifests?: readonly object[];
  readonly subject?: object;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The bytes of an OCI index when `manifests` are given, else of an OCI image. */
export function manifestOf(parts: ManifestParts): Buffer {
  const mediaType = parts.manifests === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...parts }));
}

export function descriptorOf(bytes: Uint8Array | string, more: object = {}) {
  return {
    mediaType: 'application/octet-stream',
    digest: sha(bytes),
    size: Buffer.byteLength(bytes),
    ...more,
  };
}

export async function putManifest(
  store: Store,
  bytes: Uint8Array,
  { name = repository, tags = [] }: { readonly name?: RepoName; readonly tags?: readonly string[] } = {},
) {
  return await store.manifests.put({
    repository: name,
    bytes,
    contentType: undefined,
    digest: undefined,
    tags: tags as readonly Tag[],
    actor,
  });
}

/** Pushes config and manifest of an image without layers; another seed makes other digests. */
export async function pushImage(
  store: Store,
  { seed = '', name = repository, tags = [] }: { seed?: string; name?: RepoName; tags?: readonly string[] },
): Promise<Digest> {
  const config = `{"seed":"${seed}"}`;
  await pushBlob(store, name, config);
  return (await putManifest(store, manifestOf({ config: descriptorOf(config) }), { name, tags })).digest;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  return await Array.fromAsync(items);
}

/** A sink that keeps what it is given. */
function collector() {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(bytes: Buffer, _encoding, done) {
      // The sender uses its buffers again.
      chunks.push(Buffer.from(bytes));
      setImmediate(done);
    },
  });
  return { sink, bytes: () => Buffer.concat(chunks) };
}

export async function readBlob(store: Store, digest: Digest, name = repository): Promise<Buffer | undefined> {
  const blob = await store.blobs.find(name, digest);
  if (blob === undefined) return undefined;
  const { sink, bytes } = collector();
  await store.blobs.send(blob, sink, { signal: new AbortController().signal });
  return bytes();
}

/** Every key of a driver below a prefix. */
export async function keysBelow(driver: Driver, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { name, kind } of driver.list(prefix)) {
    const key = prefix === '' ? name : `${prefix}/${name}`;
    if (kind === 'file') keys.push(key);
    else keys.push(...(await keysBelow(driver, key)));
  }
  return keys;
}
