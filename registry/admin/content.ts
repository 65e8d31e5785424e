/** Repositories, tags, manifests and the trash. */
import { nearest } from '../config/nearest.ts';
import type { Index } from '../derived/index-db.ts';
import type { contentArguments } from '../spec/admin/content.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import type { MethodsOf } from './server.ts';

export interface ContentDeps {
  readonly store: Store;
  readonly index: Index;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

export function createContentMethods({
  store,
  index,
  mustBeWritable,
}: ContentDeps): MethodsOf<typeof contentArguments> {
  return {
    'repositories.list': async (args) => index.repositories(args),
    async 'tags.list'(args) {
      await mustExist({ store, index }, args.repository);
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
    async 'tags.set'({ repository, tag, digest }, { actor }) {
      mustBeWritable();
      await mustExist({ store, index }, repository);
      const from = await store.manifests.setTag(repository, tag, digest, actor);
      return from === undefined ? {} : { from };
    },
    async 'tags.delete'({ repository, tag }, { actor }) {
      mustBeWritable();
      await mustExist({ store, index }, repository);
      const trash = await store.manifests.removeTag(repository, tag, actor);
      if (trash !== undefined) return { trash };
      throw unknownTag(index, repository, tag);
    },
    async 'repositories.delete'({ repository }, { actor }) {
      mustBeWritable();
      await mustExist({ store, index }, repository);
      return { trash: await store.manifests.removeRepository(repository, actor) };
    },
    'trash.list': (args) => store.trash.list(args),
    async 'trash.restore'({ id }, { actor }) {
      mustBeWritable();
      return await store.trash.restore(id, actor);
    },
    async 'trash.empty'() {
      mustBeWritable();
      return await store.trash.empty();
    },
  };
}

/** Throws NAME_UNKNOWN with the nearest name. */
export async function mustExist(
  { store, index }: Pick<ContentDeps, 'store' | 'index'>,
  name: RepoName,
): Promise<void> {
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

/** MANIFEST_UNKNOWN with the nearest tag. */
export function unknownTag(index: Index, repository: RepoName, tag: Tag): AppError {
  const { rows } = index.tags({ repository, limit: 1000, sort: 'name' });
  const near = nearest(
    tag,
    rows.map((row) => row.tag),
  );
  return new AppError('MANIFEST_UNKNOWN', {
    message: `${repository} has no tag ${tag}${near === undefined ? '.' : `; did you mean ${near}?`}`,
  });
}
