/**
 * Removed tags and manifests, kept for a while. An entry is written before the thing is removed, and is a root for the
 * collector, so that a restore only has to link again what is still stored. A crash in between leaves an entry for
 * what is still there; `expire` sweeps it.
 */
import { randomUUID } from 'node:crypto';
import type { Driver, Write } from '../driver/driver.ts';
import type { Page } from '../spec/admin/arguments.ts';
import type { TrashRow } from '../spec/admin/content.ts';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import { checkRepository, parseRepoName, parseTag, type RepoName, type Tag } from '../spec/names.ts';
import type { Admit, Use } from './admission.ts';
import type { Leases } from './leases.ts';
import { hasLink, keptLink } from './links.ts';
import type { Locks } from './locks.ts';
import { blobData, layerLink, revisionLink, trashEntry, trashTree } from './paths.ts';
import { growing } from './growing.ts';
import type { ReferenceReader, References } from './references.ts';
import type { Tags } from './tags.ts';

/** A manifest, or only some of its tags, that was removed from a repository. */
export interface TrashEntry {
  readonly id: string;
  readonly repository: RepoName;
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  /** RFC 3339. */
  readonly deletedAt: string;
  /** The user; empty for anonymous. */
  readonly by: string;
}

/** An entry that was restored. `tags` are those that were set; `kept` mean something else by now and were left so. */
export interface Restored extends TrashRow {
  readonly kept: readonly { readonly tag: Tag; readonly digest: Digest }[];
}

export interface Trash {
  /** Notes what is about to be removed, durably, and answers the id of the entry. What checks remove gets none. */
  add(removed: {
    readonly repository: RepoName;
    readonly digest: Digest;
    readonly tags: readonly Tag[];
    readonly actor: Actor;
  }): Promise<string>;
  /** The entries, the newest first, those after `after` only. */
  list(options: { readonly after?: string | undefined; readonly limit: number }): Promise<Page<TrashRow>>;
  /**
   * Links the manifest and what it refers to again, and sets the tags that do not exist meanwhile; durable when it
   * resolves. The entry is gone then.
   * @throws AppError TRASH_UNKNOWN, also when the content is gone; TAG_INVALID; QUOTA_EXCEEDED
   */
  restore(id: string, actor: Actor): Promise<Restored>;
  /** Drops every entry. What they kept is collected later. */
  empty(): Promise<{ readonly entries: number }>;
  /** Drops the entries whose time is over, and those of things that are there, and answers how many. */
  expire(options: { readonly signal: AbortSignal }): Promise<number>;
  /** Every entry whose time is not over. */
  entries(): AsyncIterable<TrashEntry>;
}

/** How long entries are kept where nothing else is said: a week. */
const defaultKeepMs = 7 * 24 * 60 * 60 * 1000;

const entryLimit = 1024 * 1024;
const idForm = /^(\d{15})-[0-9a-f]{8}$/;

export function createTrash({
  driver,
  events,
  locks,
  leases,
  references,
  tags,
  keepMs = () => defaultKeepMs,
  admit,
  now,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly leases: Leases;
  readonly references: ReferenceReader;
  readonly tags: Tags;
  readonly keepMs?: (() => number) | undefined;
  readonly admit: Admit;
  readonly now: () => number;
}): Trash {
  /** Tells the time of an entry without reading it. */
  function isOver(id: string): boolean {
    return now() - Number(idForm.exec(id)?.[1]) >= keepMs();
  }

  async function ids(): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { name } of driver.list(trashTree)) {
      const id = name.replace(/\.json$/, '');
      if (id !== name && idForm.test(id)) found.push(id);
    }
    return found;
  }

  async function add({ repository, digest, tags: names, actor }: Parameters<Trash['add']>[0]) {
    const at = now();
    // Ids sort by time.
    const id = `${String(Math.floor(at)).padStart(15, '0')}-${randomUUID().slice(0, 8)}`;
    const deletedAt = new Date(at).toISOString();
    const entry: TrashEntry = { id, repository, digest, tags: names, deletedAt, by: actor.user };
    // Nobody wants back what a check has pushed: there are as many as checks.
    if (repository !== checkRepository)
      await driver.write(trashEntry(id), new TextEncoder().encode(JSON.stringify(entry)));
    return id;
  }

  async function read(id: string): Promise<TrashEntry | undefined> {
    const bytes = await driver.readSmall(trashEntry(id), { limit: entryLimit });
    return bytes === undefined ? undefined : parseEntry(id, new TextDecoder().decode(bytes));
  }

  function rowOf({ id, repository, digest, tags: names, deletedAt, by }: TrashEntry): TrashRow {
    const expiresAt = new Date(Date.parse(deletedAt) + keepMs()).toISOString();
    return { id, deletedAt, expiresAt, by, repository, digest, tags: names };
  }

  async function list({ after, limit }: Parameters<Trash['list']>[0]): Promise<Page<TrashRow>> {
    const all = (await ids()).filter((id) => !isOver(id)).toReversed();
    const rest = after === undefined ? all : all.filter((id) => id < after);
    const shown = rest.slice(0, limit);
    const rows: TrashRow[] = [];
    for (const id of shown) {
      const entry = await read(id);
      if (entry !== undefined) rows.push(rowOf(entry));
    }
    const next = rest.length > limit ? shown.at(-1) : undefined;
    return { rows, total: all.length, ...(next === undefined ? {} : { next }) };
  }

  async function* entries(): AsyncIterable<TrashEntry> {
    for (const id of await ids()) {
      const entry = isOver(id) ? undefined : await read(id);
      if (entry !== undefined) yield entry;
    }
  }

  async function restore(id: string, actor: Actor): Promise<Restored> {
    const entry = idForm.test(id) && !isOver(id) ? await read(id) : undefined;
    if (entry === undefined) throw new AppError('TRASH_UNKNOWN');
    const { repository, digest } = entry;
    // Alone in the repository, so that a tag that is pushed now is not overwritten.
    return await locks.exclusive(repository, async () => {
      const manifests = await Array.fromAsync(references.closure(digest));
      const named = manifests.flatMap((each) => [each.digest, ...each.references.blobs]);
      using held = new DisposableStack();
      held.use(await leases.hold(named));
      // Looked at again: what an expired entry kept may have been collected since it was read.
      if (!(await isThere(id)) || (await driver.stat(blobData(digest))) === undefined) {
        throw new AppError('TRASH_UNKNOWN', {
          message: `The content ${digest} of this entry is no longer stored.`,
          hint: 'Push the image again.',
        });
      }
      for (const tag of entry.tags) await tags.checkStorable(repository, tag);
      held.use(admit({ by: 'restore', repository, tags: entry.tags, uses: await storedOf(named) }));
      await growing(locks, repository, async () => {
        for (const each of manifests.toReversed()) await link(repository, each);
        await driver.commit([[keptLink(revisionLink(repository, digest), digest)]]);
      });
      const set: Tag[] = [];
      const kept: { tag: Tag; digest: Digest }[] = [];
      for (const tag of entry.tags) {
        const means = await tags.find(repository, tag);
        if (means === undefined) await tags.move(repository, tag, digest);
        if (means === undefined) set.push(tag);
        else if (means !== digest) kept.push({ tag, digest: means });
      }
      // The collector walks repositories first and the trash last: it must not miss what moves the other way.
      for (const each of named) leases.renew(each);
      await events.restored({ repository, digest, tags: set, actor });
      await driver.remove(trashEntry(id));
      return { ...rowOf(entry), tags: set, kept };
    });
  }

  async function storedOf(digests: readonly Digest[]): Promise<readonly Use[]> {
    const uses: Use[] = [];
    for (const digest of new Set(digests)) {
      const size = (await driver.stat(blobData(digest)))?.size;
      if (size !== undefined) uses.push({ digest, size });
    }
    return uses;
  }

  async function isThere(id: string): Promise<boolean> {
    return (await driver.stat(trashEntry(id))) !== undefined;
  }

  async function link(
    repository: RepoName,
    { digest, references: { blobs, isManifest } }: { digest: Digest; references: References },
  ): Promise<void> {
    const layers: Write[] = [];
    for (const blob of new Set(blobs)) {
      // What was pushed without a layer, as allowed for layers with urls, is restored without it.
      const isStored = (await driver.stat(blobData(blob))) !== undefined;
      if (isStored) layers.push(keptLink(layerLink(repository, blob), blob));
    }
    const key = isManifest ? revisionLink(repository, digest) : layerLink(repository, digest);
    await driver.commit([layers, [keptLink(key, digest)]]);
  }

  async function empty(): Promise<{ readonly entries: number }> {
    const all = await ids();
    for (const id of all) await driver.remove(trashEntry(id));
    return { entries: all.length };
  }

  async function expire({ signal }: { readonly signal: AbortSignal }): Promise<number> {
    let dropped = 0;
    for (const id of await ids()) {
      signal.throwIfAborted();
      if (isOver(id) ? await drop(id) : await dropIfMoot(id)) dropped++;
    }
    return dropped;
  }

  async function drop(id: string): Promise<boolean> {
    await driver.remove(trashEntry(id));
    return true;
  }

  /** Nothing is left to restore when everything is there: after a crash, or because it was pushed again. */
  async function dropIfMoot(id: string): Promise<boolean> {
    const entry = await read(id);
    if (entry === undefined) return false;
    const { repository, digest } = entry;
    // A removal has the repository alone from the entry on until the thing is gone.
    return await locks.shared(repository, async () => {
      if (!(await hasLink(driver, revisionLink(repository, digest)))) return false;
      for (const tag of entry.tags) if ((await tags.find(repository, tag)) !== digest) return false;
      return await drop(id);
    });
  }

  return { add, list, restore, empty, expire, entries };
}

function parseEntry(id: string, text: string): TrashEntry {
  const damaged = (cause?: unknown): AppError =>
    new AppError('STORAGE_FAILED', {
      message: `The trash entry ${trashEntry(id)} cannot be read.`,
      hint: 'Nothing is collected while it is there. Remove the file to give up what it keeps.',
      cause,
    });
  let value: Partial<Record<keyof TrashEntry, unknown>>;
  try {
    value = Object(JSON.parse(text)) as typeof value;
  } catch (cause) {
    throw damaged(cause);
  }
  const repository = parseRepoName(String(value.repository));
  const digest = parseDigest(String(value.digest));
  const names = Array.isArray(value.tags) ? value.tags.map((each) => parseTag(String(each))) : [undefined];
  const tags = names.filter((each) => each !== undefined);
  const { deletedAt, by } = value;
  if (repository === undefined || digest === undefined || tags.length !== names.length) throw damaged();
  if (typeof deletedAt !== 'string' || Number.isNaN(Date.parse(deletedAt))) throw damaged();
  return { id, repository, digest, tags, deletedAt, by: typeof by === 'string' ? by : '' };
}
