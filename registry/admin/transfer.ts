/** Images on their way: inside of the registry, into a file, out of a file. */
import { isAbsolute, join } from 'node:path';
import type { Index } from '../derived/index-db.ts';
import type { Tasks } from '../feed/tasks.ts';
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
import { exportImages } from '../transfer/export.ts';
import { importBundle, inspectBundle } from '../transfer/import.ts';
import type { Wanted } from '../transfer/stored-images.ts';
import { mustExist, unknownTag } from './content.ts';
import type { MethodsOf } from './server.ts';

export interface TransferDeps {
  readonly store: Store;
  readonly index: Index;
  readonly tasks: Tasks;
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
    async 'bundles.inspect'({ path }, { signal, actor }) {
      mustBeLocal(actor, path);
      return await inspectBundle(path, { store, ...unpacking, signal });
    },
    async 'bundles.import'({ path, prefix, renames, dryRun }, { signal, actor }) {
      mustBeLocal(actor, path);
      if (!dryRun) mustBeWritable();
      return await tasks.run({ kind: 'import', unit: 'bytes', signal, user: actor.user }, (task) =>
        importBundle({ store, path, prefix, renames, dryRun, actor, freeBytes, ...unpacking, ...task }),
      );
    },
  };

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
