/** Images on their way: inside of the registry, into a file, out of a file. */
import { isAbsolute, join } from 'node:path';
import type { Index } from '../derived/index-db.ts';
import type { Tasks } from '../feed/tasks.ts';
import type { Tickets } from '../feed/tickets.ts';
import type { Logger } from '../log/logger.ts';
import type { transferArguments } from '../spec/admin/transfer.ts';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { ImageReference } from '../spec/image-reference.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { copyImage } from '../transfer/copy.ts';
import { pushSample } from '../transfer/sample.ts';
import { exportImages, measureExport, type Selection, streamExport } from '../transfer/export.ts';
import { importBundle, inspectBundle } from '../transfer/import.ts';
import type { ReceivedFiles } from '../transfer/received.ts';
import type { Wanted } from '../transfer/stored-images.ts';
import { mustExist, unknownTag } from './content.ts';
import { giveTicket } from './downloads.ts';
import type { MethodsOf } from './server.ts';

export interface TransferDeps {
  readonly store: Store;
  readonly index: Index;
  readonly tasks: Tasks;
  readonly tickets: Tickets;
  readonly received: Pick<ReceivedFiles, 'find' | 'discard'>;
  readonly log: Logger;
  /** The data directory. */
  readonly root: string;
  /** Free bytes of the disk, where that is known. */
  readonly freeBytes: () => Promise<number | undefined>;
  /** @throws AppError STORAGE_FULL when free space is below the reserve */
  readonly checkReserve: () => Promise<void>;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

export function createTransferMethods({
  store,
  index,
  tasks,
  tickets,
  received,
  log: allLog,
  root,
  freeBytes,
  checkReserve,
  mustBeWritable,
}: TransferDeps): MethodsOf<typeof transferArguments> {
  const log = allLog.for('admin');
  const unpacking = { tempDirectory: join(root, 'berth', 'tmp'), checkRoom: checkReserve };

  return {
    async 'images.copy'({ from: { repository, reference }, to, withReferrers }, { signal, actor }) {
      mustBeWritable();
      const digest = parseDigest(reference) ?? (await meaningOf(repository, reference as Tag));
      const from = { repository, digest };
      return await tasks.run({ kind: 'copy', unit: 'items', signal, user: actor.user }, (task) =>
        copyImage({ store, from, to, withReferrers, actor, ...task }),
      );
    },
    async 'samples.push'(_, { signal, actor }) {
      mustBeWritable();
      await checkReserve();
      return await pushSample({ store, actor, signal });
    },
    async 'bundles.export'({ references, path, platform, since, overwrite }, { signal, actor }) {
      mustBeLocal(actor, path);
      const { user } = actor;
      const [images, base] = [await resolve(references), await resolve(since)];
      const result = await tasks.run({ kind: 'export', unit: 'bytes', signal, user }, (task) =>
        exportImages({ store, images, since: base, platform, path, overwrite, root, ...task }),
      );
      log.info('bundleExported', 'images were written into a file', {
        'auth.user.name': user,
        path,
        images: result.images,
        bytes: result.bytes,
      });
      return result;
    },
    async 'bundles.download'({ references, platform, since }, { signal, actor }) {
      const { user } = actor;
      const [images, base] = [await resolve(references), await resolve(since)];
      const selection = { store, images, since: base, platform };
      return giveTicket(tickets, {
        fileName: bundleName(references),
        mediaType: 'application/x-tar',
        size: await measureExport({ ...selection, signal }),
        actor,
        open: (gone) => bytesOf(selection, { signal: gone, user }),
      });
    },
    async 'bundles.inspect'(source, { signal, actor }) {
      return await inspectBundle(pathOf(source, actor), { store, ...unpacking, signal });
    },
    async 'bundles.discard'({ upload }, { actor }) {
      await received.discard(upload, actor.user);
      return { upload };
    },
    async 'bundles.import'({ path: given, upload, prefix, renames, dryRun }, { signal, actor }) {
      const path = pathOf({ path: given, upload }, actor);
      if (!dryRun) mustBeWritable();
      return await tasks.run({ kind: 'import', unit: 'bytes', signal, user: actor.user }, (task) =>
        importBundle({ store, path, prefix, renames, dryRun, actor, freeBytes, ...unpacking, ...task }),
      );
    },
  };

  /** The bytes of an export, which is listed as a task while they are taken. */
  async function* bytesOf(
    selection: Omit<Selection, 'signal'>,
    { signal, user }: { readonly signal: AbortSignal; readonly user: string },
  ): AsyncGenerator<Uint8Array> {
    const opened = Promise.withResolvers<AsyncIterable<Uint8Array>>();
    const done = tasks.run({ kind: 'export', unit: 'bytes', signal, user }, async (task) => {
      const stream = streamExport({ ...selection, signal: task.signal }, (...far) => task.progress(...far));
      opened.resolve(stream.bytes);
      await stream.done;
    });
    // Whoever reads the bytes meets the failure, too, unless nobody reads any more.
    done.catch(() => undefined);
    yield* await opened.promise;
    await done;
    log.info('bundleDownloaded', 'images were downloaded as a file', {
      'auth.user.name': user,
      images: selection.images.length,
    });
  }

  /** What was sent by a browser is for whoever sent it; a path is for the owner alone. */
  function pathOf(
    { path, upload }: { readonly path?: string | undefined; readonly upload?: string | undefined },
    actor: Actor,
  ): string {
    if (upload !== undefined) return received.find(upload, actor.user);
    mustBeLocal(actor, path ?? '');
    return path ?? '';
  }

  /** What the names mean now; each name once. */
  async function resolve(references: readonly ImageReference[]): Promise<readonly Wanted[]> {
    const found = new Map<string, Wanted>();
    for (const { repository, tag, digest } of references) {
      await mustExist({ store, index }, repository);
      const tags = tag === undefined && digest === undefined ? store.tags.list(repository) : [tag];
      for await (const each of tags) {
        const meant = digest ?? (each === undefined ? undefined : await meaningOf(repository, each));
        if (meant === undefined) continue;
        found.set(`${repository}:${each ?? meant}`, { repository, tag: each, digest: meant });
      }
    }
    return [...found.values()];
  }

  async function meaningOf(repository: RepoName, tag: Tag): Promise<Digest> {
    await mustExist({ store, index }, repository);
    const digest = await store.tags.find(repository, tag);
    if (digest === undefined) throw unknownTag(index, repository, tag);
    return digest;
  }
}

/** Files are read and written with the rights of the registry: that is for whoever has them anyway. */
function mustBeLocal({ address }: Actor, path: string): void {
  if (address !== undefined) {
    throw new AppError('DENIED', {
      message: 'Files on the computer of the registry are named there, on its command line.',
      hint: 'Run berth export or berth import on that computer.',
    });
  }
  if (isAbsolute(path)) return;
  throw new AppError('PATH_REFUSED', {
    message: `"${path}" is no absolute path: the registry does not know where you are.`,
  });
}

/** `team-api-1.4.tar`; the first of several stands for them. */
function bundleName(references: readonly ImageReference[]): string {
  const [first] = references;
  const name = [first?.repository.replaceAll('/', '-'), first?.tag ?? first?.digest?.slice(7, 19)];
  const more = references.length > 1 ? [`and-${references.length - 1}-more`] : [];
  return `${[...name.filter((part) => part !== undefined), ...more].join('-')}.tar`;
}
