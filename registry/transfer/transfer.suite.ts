/** What the tests of this folder work with: archives of any shape, and a registry's store to fill from them. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseImageReference } from '../spec/image-reference.ts';
import { actor, type OpenStore, openStore, sha } from '../store/store.suite.ts';
import { type ExportOptions, exportImages } from './export.ts';
import { importBundle, type ImportOptions } from './import.ts';
import { blobName } from './images.ts';
import type { Wanted } from './stored-images.ts';
import { archiveEnd, fileHeader, padding } from '../archive/tar-format.ts';

export const never: AbortSignal = new AbortController().signal;

export interface Bench extends AsyncDisposable {
  readonly folder: string;
  /** An empty store more. */
  open(): Promise<OpenStore>;
  /** Writes a file and answers its path. */
  write(bytes: Uint8Array): Promise<string>;
  importFrom(open: OpenStore, path: string, more?: Partial<ImportOptions>): ReturnType<typeof importBundle>;
  exportTo(
    open: OpenStore,
    names: readonly string[],
    more?: Partial<ExportOptions>,
  ): ReturnType<typeof exportImages>;
}

export async function openBench(): Promise<Bench> {
  await using opening = new AsyncDisposableStack();
  const { path: folder } = opening.use(await mkdtempDisposable(join(tmpdir(), 'berth-transfer-')));
  const { path: root } = opening.use(await mkdtempDisposable(join(tmpdir(), 'berth-transfer-root-')));
  const owned = opening.move();
  let files = 0;
  const next = (): string => join(folder, `${++files}.tar`);
  return {
    folder,
    open: async () => owned.use(await openStore({ collect: { graceMs: 0 } })),
    async write(bytes) {
      const path = next();
      await writeFile(path, bytes);
      return path;
    },
    importFrom: ({ store }, path, more) =>
      importBundle({
        store,
        path,
        prefix: undefined,
        renames: [],
        dryRun: false,
        actor,
        tempDirectory: join(root, 'tmp'),
        checkRoom: async () => undefined,
        freeBytes: async () => undefined,
        signal: never,
        progress: () => undefined,
        ...more,
      }),
    exportTo: async ({ store }, names, more) =>
      await exportImages({
        store,
        images: await Promise.all(names.map((name) => wanted({ store }, name))),
        since: [],
        platform: undefined,
        path: next(),
        overwrite: false,
        root,
        signal: never,
        progress: () => undefined,
        ...more,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function wanted({ store }: Pick<OpenStore, 'store'>, name: string): Promise<Wanted> {
  const { repository, tag, digest } = parseImageReference(name) ?? {};
  if (repository === undefined) throw new Error(`no name: ${name}`);
  const meant = digest ?? (tag && (await store.tags.find(repository, tag)));
  if (meant === undefined) throw new Error(`${name} is not there`);
  return { repository, tag, digest: meant };
}

/** Everything that a client can see: tags, manifests and the sizes of their blobs, by repository. */
export async function visible({
  store,
}: Pick<OpenStore, 'store'>): Promise<Readonly<Record<string, unknown>>> {
  const seen: Record<string, unknown> = {};
  for await (const repository of store.repositories.list({ after: '' })) {
    const tags: Record<string, unknown> = {};
    for await (const tag of store.tags.list(repository)) tags[tag] = await store.tags.find(repository, tag);
    const manifests: Record<string, unknown> = {};
    for await (const digest of store.repositories.revisions(repository)) {
      const found = await store.manifests.find(repository, { kind: 'digest', digest });
      const { config, layers = [] } = found?.manifest ?? {};
      const blobs = [...(config ? [config] : []), ...layers].map(({ digest: blob }) =>
        store.blobs.find(repository, blob),
      );
      manifests[digest] = [found?.mediaType, await Promise.all(blobs)];
    }
    seen[repository] = { tags, manifests };
  }
  return seen;
}

export interface Member {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  /** Instead of the header that fits. */
  readonly header?: Uint8Array;
}

/** An archive of the members, in their order. */
export function tarOf(
  members: readonly Member[],
  { end = archiveEnd }: { readonly end?: Uint8Array } = {},
): Buffer {
  const parts = members.flatMap(({ name, bytes = '', header }) => {
    const content = Buffer.from(bytes as Uint8Array);
    return [header ?? fileHeader(name, content.length), content, Buffer.alloc(padding(content.length))];
  });
  return Buffer.concat([...parts, end]);
}

/** The members of an OCI image layout. */
export function layoutOf(index: object, blobs: readonly (Uint8Array | string)[]): readonly Member[] {
  return [
    { name: 'oci-layout', bytes: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', bytes: JSON.stringify({ schemaVersion: 2, ...index }) },
    ...blobs.map((bytes) => ({ name: blobName(sha(bytes)), bytes })),
  ];
}

/** A header whose fields are set by hand, and its checksum made to fit. */
export function headerWith(
  name: string,
  {
    size = 0,
    type = '0',
    link = '',
    raw = [],
  }: {
    readonly size?: number;
    readonly type?: string;
    readonly link?: string;
    readonly raw?: readonly (readonly [number, Uint8Array])[];
  },
): Buffer {
  const block = Buffer.from(fileHeader(name, size));
  block.write(type, 156);
  block.write(link, 157);
  for (const [at, bytes] of raw) block.set(bytes, at);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
