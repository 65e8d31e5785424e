/** Repositories, tags, manifests and the trash. */
import { nearest } from '../spec/nearest.ts';
import type { Index } from '../derived/index-db.ts';
import type { RepositoryNotes } from '../rules/repository-notes.ts';
import type { Rules } from '../rules/rules.ts';
import type {
  contentArguments,
  ManifestListRow,
  RepositoryNote,
  RepositoryRow,
  TagRow,
} from '../spec/admin/content.ts';
import { parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { AuditEvents } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { mustBeCurrent, planRepository } from './repository-plan.ts';
import type { MethodsOf } from './server.ts';

export interface ContentDeps {
  readonly store: Store;
  readonly index: Index;
  readonly rules: Rules;
  readonly notes: RepositoryNotes;
  readonly audited: AuditEvents['audited'];
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: (repository?: string) => void;
}

export function createContentMethods({
  store,
  index,
  rules,
  notes,
  audited,
  mustBeWritable,
}: ContentDeps): MethodsOf<typeof contentArguments> {
  return {
    async 'repositories.list'(args) {
      const { rows, ...page } = index.repositories(args);
      return { rows: rows.map((row) => ({ ...row, ...notes.of(row.name) })), ...page };
    },
    'repositories.get': ({ repository }) => getRow(repository),
    async 'repositories.set'({ repository, ...change }, { actor }) {
      await mustExist({ store, index }, repository);
      await notes.set(repository, change);
      await audited({ kind: 'settingChanged', actor, repository, detail: describeNote(change) });
      return await getRow(repository);
    },
    async 'tags.list'(args) {
      await mustExist({ store, index }, args.repository);
      const { rows, ...page } = index.tags(args);
      return { rows: rows.map((row) => ({ ...row, ...saidByRules(row) })), ...page };
    },
    'tags.recent': async (args) => index.recentTags(args).map((row) => ({ ...row, ...saidByRules(row) })),
    async 'manifests.list'(args) {
      await mustExist({ store, index }, args.repository);
      const { rows, ...more } = index.manifests(args);
      return { rows: rows.map((row) => withLease(store, row)), ...more };
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
      mustBeWritable(repository);
      await mustExist({ store, index }, repository);
      const from = await store.manifests.setTag(repository, tag, digest, actor);
      return from === undefined ? {} : { from };
    },
    async 'tags.delete'({ repository, tag }, { actor }) {
      mustBeWritable(repository);
      await mustExist({ store, index }, repository);
      const digest = await store.tags.find(repository, tag);
      const removals = digest === undefined ? [] : [{ tag, digest, actor }];
      const { trash } = await store.manifests.removeTags(repository, removals, { mustAll: true });
      const [id] = trash;
      if (id === undefined) throw unknownTag(index, repository, tag);
      return { trash: id };
    },
    async 'repositories.delete'({ repository, plan }, { signal, actor }) {
      mustBeWritable(repository);
      await mustExist({ store, index }, repository);
      if (plan !== undefined) {
        const present = await planRepository({ index, rules }, repository, signal);
        mustBeCurrent(present.plan, plan);
      }
      const trash = await store.manifests.removeRepository(repository, actor);
      await audited({ kind: 'repositoryDeleted', actor, repository, count: trash.length });
      return { trash };
    },
    async 'trash.list'(args) {
      const { rows, ...page } = await store.trash.list(args);
      return {
        rows: rows.map((row) =>
          notes.of(row.repository).isReadOnly === true ? { ...row, isReadOnly: true } : row,
        ),
        ...page,
      };
    },
    async 'trash.restore'({ id }, { actor }) {
      mustBeWritable();
      return await store.trash.restore(id, actor);
    },
    async 'trash.empty'(_, { actor }) {
      mustBeWritable();
      const emptied = await store.trash.empty();
      await audited({ kind: 'trashEmptied', actor, count: emptied.entries });
      return emptied;
    },
  };

  async function getRow(repository: RepoName): Promise<RepositoryRow> {
    await mustExist({ store, index }, repository);
    const row = index.repository(repository);
    if (row !== undefined) return { ...row, ...notes.of(repository) };
    throw new AppError('NAME_UNKNOWN', { message: `The repository "${repository}" holds no manifest.` });
  }

  function saidByRules({ repository, tag }: TagRow): Pick<TagRow, 'protectedBy' | 'expiresAt'> {
    const compiled = rules.compiled();
    const protectedBy = compiled.protectedBy(repository, tag);
    if (protectedBy !== undefined) return { protectedBy };
    const record = compiled.mayExpire(repository) ? index.tagRecord(repository, tag) : undefined;
    const expiry = record === undefined ? undefined : compiled.expiryOf(repository, record);
    return expiry === undefined ? {} : { expiresAt: new Date(expiry.at).toISOString() };
  }
}

/** For the audit. */
function describeNote({ description, isReadOnly }: RepositoryNote): string {
  return [
    ...(description === undefined ? [] : ['description']),
    ...(isReadOnly === undefined ? [] : [isReadOnly ? 'read-only' : 'writable']),
  ].join(', ');
}

/** What nothing else keeps, the collector leaves alone for a while after it was pushed or asked for. */
function withLease({ leases }: Store, row: ManifestListRow): ManifestListRow {
  const digest = parseDigest(row.digest);
  const isKept = row.keptBy === 'untagged' && digest !== undefined && leases.isLeased(digest);
  return isKept ? { ...row, keptBy: 'grace' } : row;
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

/** The error for a tag that does not exist, with the nearest that does. */
export function unknownTag(index: Index, repository: RepoName, tag: string): AppError {
  const { rows } = index.tags({ repository, limit: 1000, sort: 'name' });
  const near = nearest(
    tag,
    rows.map((row) => row.tag),
  );
  return new AppError('MANIFEST_UNKNOWN', {
    message: `${repository} has no tag ${tag}${near === undefined ? '.' : `; did you mean ${near}?`}`,
  });
}
