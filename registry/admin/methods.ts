/** The use cases of the control plane: what the window, the command line and the browser ask for, on one registry. */
import { nearest } from '../config/nearest.ts';
import { processUser } from '../disk/process-user.ts';
import type { Index } from '../derived/index-db.ts';
import type { Logger } from '../log/logger.ts';
import type { StatusRow } from '../spec/admin-api.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import type { AdminMethods } from './server.ts';
import type { Feed } from '../feed/feed.ts';

export interface AdminDeps {
  readonly store: Store;
  readonly index: Index;
  readonly feed: Feed;
  readonly log: Logger;
  readonly status: () => StatusRow;
  /** Free bytes of the disk, where that is known. */
  readonly freeBytes: () => Promise<number | undefined>;
}

/** Who comes through the door of the data directory's owner. */
const actor: Actor = { user: processUser(), requestId: 'admin' };

/** Binds the use cases to a registry. */
export function createAdminMethods(deps: AdminDeps): AdminMethods {
  const { store, index, feed, log } = deps;

  /** Throws NAME_UNKNOWN with the nearest name. */
  async function mustExist(name: RepoName): Promise<void> {
    if (await store.repositories.exists(name)) return;
    const { rows } = index.repositories({ limit: 1000, sort: 'name' });
    const near = nearest(
      name,
      rows.map((row) => row.name),
    );
    throw new AppError('NAME_UNKNOWN', {
      message: `There is no repository "${name}"${near === undefined ? '.' : `; did you mean ${near}?`}`,
    });
  }

  function mustBeWritable(): void {
    if (deps.status().isReadOnly) throw new AppError('STORAGE_READ_ONLY');
  }

  return {
    'status.get': async () => deps.status(),
    'repositories.list': async (args) => index.repositories(args),
    async 'tags.list'(args) {
      await mustExist(args.repository);
      return index.tags(args);
    },
    async 'manifests.get'(args) {
      const row = index.manifest(args);
      if (row !== undefined) return row;
      throw new AppError('MANIFEST_UNKNOWN', {
        message: `${args.repository} has no manifest ${args.digest}.`,
      });
    },
    'history.list': async (args) => index.history(args),
    async 'usage.get'(_, { signal }) {
      const [plan, freeBytes] = await Promise.all([store.collector.plan({ signal }), deps.freeBytes()]);
      return {
        ...index.usage(),
        trashBytes: plan.trashBytes,
        reclaimableBytes: plan.bytes,
        ...(freeBytes === undefined ? {} : { freeBytes }),
      };
    },
    async 'tags.set'({ repository, tag, digest }) {
      mustBeWritable();
      await mustExist(repository);
      const from = await store.manifests.setTag(repository, tag, digest, actor);
      return from === undefined ? {} : { from };
    },
    async 'tags.delete'({ repository, tag }) {
      mustBeWritable();
      await mustExist(repository);
      const trash = await store.manifests.removeTag(repository, tag, actor);
      if (trash === undefined) {
        throw new AppError('MANIFEST_UNKNOWN', { message: `${repository} has no tag ${tag}.` });
      }
      return { trash };
    },
    async 'repositories.delete'({ repository }) {
      mustBeWritable();
      await mustExist(repository);
      return { trash: await store.manifests.removeRepository(repository, actor) };
    },
    'trash.list': (args) => store.trash.list(args),
    async 'trash.restore'({ id }) {
      mustBeWritable();
      return await store.trash.restore(id, actor);
    },
    async 'trash.empty'() {
      mustBeWritable();
      return await store.trash.empty();
    },
    'collect.plan': (_, { signal }) => store.collector.plan({ signal }),
    async 'collect.run'(_, { signal }) {
      mustBeWritable();
      const result = await store.collector.collect({ signal });
      feed.publish({ kind: 'collected', bytes: result.bytes });
      return result;
    },
    'index.rebuild': (_, { signal }) => index.rebuild({ signal }),
    'logs.levels': async () => log.levels(),
    async 'logs.setLevel'({ sys, level }) {
      log.setLevel(sys, level);
      feed.publish({ kind: 'levelsChanged' });
      return log.levels();
    },
  };
}
