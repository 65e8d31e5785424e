/** What the tests of this folder work with: a store whose events go to a journal and an index, and a plain walk of it. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from '../driver/driver.ts';
import { createEvents } from '../feed/events.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import type { ManifestRow, MoveRow, RepositoryRow, TagRow } from '../spec/admin/content.ts';
import type { Digest } from '../spec/digest.ts';
import type { Manifest } from '../spec/manifest.ts';
import type { RepoName } from '../spec/names.ts';
import { blobData } from '../store/paths.ts';
import type { ValidationRules } from '../store/needed.ts';
import { createStore, type Store, type StoreOptions } from '../store/store.ts';
import { drivers } from '../store/store.suite.ts';
import { type Index, openIndex } from './index-db.ts';
import { type Journal, openJournal } from './journal.ts';
import { verifyIndex } from './verify.suite.ts';

export interface Place extends AsyncDisposable {
  readonly driver: Driver;
  /** Where index and journal lie. */
  readonly directory: string;
}

/** A place for content, index and journal, which outlives what is opened on it. */
export async function openPlace(on: keyof typeof drivers = 'memory'): Promise<Place> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-index-'));
  const driver = await drivers[on]();
  return {
    driver,
    directory: directory.path,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await directory.remove();
    },
  };
}

export interface Opened extends AsyncDisposable {
  readonly store: Store;
  readonly index: Index;
  readonly journal: Journal;
  /** The events that were logged, without those of the store. */
  logged(): readonly string[];
  /** What differs between the index and the disk. */
  differences(): Promise<readonly string[]>;
}

export interface OpenSetup {
  readonly now?: () => number;
  readonly rules?: Partial<ValidationRules>;
  readonly store?: Partial<StoreOptions>;
  /** False: the store works without the index, as distribution does. */
  readonly isWatched?: boolean;
  /** False: answers before the disk was read. */
  readonly isSettled?: boolean;
}

export async function openRegistry({ driver, directory }: Place, setup: OpenSetup = {}): Promise<Opened> {
  const { now = Date.now, rules, store: more, isWatched = true, isSettled = true } = setup;
  await using opening = new AsyncDisposableStack();
  const ring = createRing();
  const log = createLogger({
    levels: { all: 'warn' },
    formatter: 'json',
    fields: {},
    write: () => undefined,
    ring,
  });
  const common = { driver, log, now };
  const journal = opening.use(await openJournal({ directory: join(directory, 'journal'), log, now }));
  const index = opening.use(await openIndex({ ...common, journal, path: join(directory, 'index.sqlite') }));
  const store = createStore({
    driver,
    events: createEvents(log, isWatched ? { index, journal, now } : {}),
    uploadsPerUser: () => 100,
    rules: () => ({
      enabled: true,
      sparse: false,
      indexPlatforms: 'all',
      urls: { allow: [], deny: [] },
      ...rules,
    }),
    ...more,
  });
  index.start(store);
  if (isSettled) await index.settled();
  const stack = opening.move();
  return {
    store,
    index,
    journal,
    logged: () =>
      ring
        .snapshot()
        .filter(({ sys }) => sys !== 'store')
        .map(({ event }) => event),
    differences: () => verifyIndex(index, store, { ...common, journal }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Every row of a list, page by page. */
export function everyRow<Row>(
  page: (after: string | undefined) => { readonly rows: readonly Row[]; readonly next?: string },
): readonly Row[] {
  const rows: Row[] = [];
  for (let after: string | undefined, more = true; more;) {
    const found = page(after);
    rows.push(...found.rows);
    after = found.next;
    more = after !== undefined;
  }
  return rows;
}

/** What the lists say, by name, with pages of three. */
export function listsOf(index: Index) {
  const limit = 3;
  const repositories = everyRow((after) => index.repositories({ sort: 'name', limit, after }));
  const names = repositories.map(({ name }) => name as RepoName);
  return {
    repositories,
    tags: names.flatMap((repository) =>
      everyRow((after) => index.tags({ repository, sort: 'name', limit, after })),
    ),
    usage: index.usage(),
  };
}

export function historyOf(index: Index, repository: string): readonly MoveRow[] {
  return everyRow((after) => index.history({ repository: repository as RepoName, limit: 3, after }));
}

/** Those of the children, or that of the config, where that is JSON. */
async function platformsOf(driver: Driver, { config, manifests }: Manifest): Promise<readonly string[]> {
  const listed = manifests.map(({ platform }) => platform).filter((each) => each !== undefined);
  if (config?.mediaType !== 'application/vnd.oci.image.config.v1+json') return [...new Set(listed)];
  const bytes = await driver.readSmall(blobData(config.digest), { limit: 1000 });
  const { os, architecture, variant } = JSON.parse(Buffer.from(bytes ?? []).toString() || '{}') as Record<
    string,
    string
  >;
  const platform = [os, architecture, variant].filter((each) => each !== undefined).join('/');
  return platform === '' ? [] : [platform];
}

interface Walked {
  readonly repositories: readonly Pick<
    RepositoryRow,
    'name' | 'tagCount' | 'untaggedCount' | 'exclusiveBytes' | 'sharedBytes'
  >[];
  readonly tags: readonly Pick<TagRow, 'repository' | 'tag' | 'digest' | 'mediaType' | 'totalBytes'>[];
  readonly manifests: ReadonlyMap<string, ManifestRow>;
}

/** The same read from the store and the driver, the long way: whole sets, no sums that are kept. */
async function walk(store: Store, driver: Driver): Promise<Walked> {
  interface Held {
    readonly repository: RepoName;
    readonly digest: Digest;
    readonly row: ManifestRow;
    /** Digests that it needs itself, with the sizes that it says. */
    readonly needs: ReadonlyMap<Digest, number>;
  }
  const held: Held[] = [];
  const tags: { repository: RepoName; tag: string; digest: Digest }[] = [];
  for await (const repository of store.repositories.walk()) {
    for await (const digest of store.repositories.revisions(repository)) {
      const found = await store.manifests.find(repository, { kind: 'digest', digest });
      if (found?.manifest === undefined) continue;
      const { manifest } = found;
      const parts = [
        ...manifest.layers,
        ...manifest.manifests,
        ...(manifest.config ? [manifest.config] : []),
      ];
      const needs = new Map(parts.map((part) => [part.digest, part.size]));
      needs.set(digest, found.bytes.length);
      const row: ManifestRow = {
        digest,
        mediaType: found.mediaType,
        ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
        totalBytes: 0,
        exclusiveBytes: 0,
        platforms: await platformsOf(driver, manifest),
        children: manifest.manifests.map((child) => child.digest),
        ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
        referrers: {},
        annotations: manifest.annotations ?? {},
        tags: [],
      };
      held.push({ repository, digest, row, needs });
    }
    for await (const tag of store.tags.list(repository)) {
      const digest = await store.tags.find(repository, tag);
      if (digest !== undefined) tags.push({ repository, tag, digest });
    }
  }

  const stored = new Map<Digest, number>();
  for (const digest of new Set(held.flatMap(({ needs }) => [...needs.keys()]))) {
    stored.set(digest, (await driver.stat(blobData(digest)))?.size ?? 0);
  }
  const bytes = (digests: Iterable<Digest>): number =>
    [...digests].reduce((sum, digest) => sum + (stored.get(digest) ?? 0), 0);
  const below = (top: Held): ReadonlySet<Held> => {
    const found = new Set([top]);
    for (const each of found) {
      for (const child of each.row.children) {
        const of = held.find((one) => one.repository === top.repository && one.digest === child);
        if (of !== undefined) found.add(of);
      }
    }
    return found;
  };

  const manifests = new Map<string, ManifestRow>();
  for (const each of held) {
    const { repository, digest, row } = each;
    const own = below(each);
    const needs = new Map([...own].flatMap((one) => [...one.needs]));
    const others = new Set(held.filter((one) => !own.has(one)).flatMap((one) => [...one.needs.keys()]));
    const referrers: Record<string, number> = {};
    for (const one of held) {
      if (one.repository !== repository || one.row.subject !== digest) continue;
      const type = one.row.artifactType ?? '';
      referrers[type] = (referrers[type] ?? 0) + 1;
    }
    manifests.set(`${repository}@${digest}`, {
      ...row,
      totalBytes: [...needs.values()].reduce((sum, size) => sum + size, 0),
      exclusiveBytes: bytes([...needs.keys()].filter((one) => !others.has(one))),
      referrers,
      tags: tags
        .filter((tag) => tag.repository === repository && tag.digest === digest)
        .map(({ tag }) => tag),
    });
  }

  const names = [...new Set(held.map(({ repository }) => repository))];
  const repositories = names.map((name) => {
    const here = held.filter(({ repository }) => repository === name);
    const used = new Set(here.flatMap(({ needs }) => [...needs.keys()]));
    const elsewhere = new Set(
      held.filter(({ repository }) => repository !== name).flatMap(({ needs }) => [...needs.keys()]),
    );
    const tagged = new Set(tags.filter(({ repository }) => repository === name).map(({ digest }) => digest));
    const listed = new Set(here.flatMap(({ row }) => row.children));
    return {
      name,
      tagCount: tags.filter(({ repository }) => repository === name).length,
      untaggedCount: here.filter(
        ({ digest, row }) => !tagged.has(digest) && !listed.has(digest) && row.subject === undefined,
      ).length,
      exclusiveBytes: bytes([...used].filter((digest) => !elsewhere.has(digest))),
      sharedBytes: bytes([...used].filter((digest) => elsewhere.has(digest))),
    };
  });
  return {
    repositories,
    tags: tags
      .filter(({ repository }) => names.includes(repository))
      .map((tag) => {
        const row = manifests.get(`${tag.repository}@${tag.digest}`);
        return { ...tag, mediaType: row?.mediaType ?? '', totalBytes: row?.totalBytes ?? 0 };
      }),
    manifests,
  };
}

/** What lists and walk have in common. */
export async function compared({ store, index }: Opened, { driver }: Place) {
  const walked = await walk(store, driver);
  const lists = listsOf(index);
  return {
    have: {
      repositories: lists.repositories.map(
        ({ name, tagCount, untaggedCount, exclusiveBytes, sharedBytes }) => ({
          name,
          tagCount,
          untaggedCount,
          exclusiveBytes,
          sharedBytes,
        }),
      ),
      tags: lists.tags.map(({ repository, tag, digest, mediaType, totalBytes }) => ({
        repository,
        tag,
        digest,
        mediaType,
        totalBytes,
      })),
      manifests: [...walked.manifests.keys()].map((key) => {
        const [repository = '', digest = ''] = key.split('@');
        return index.manifest({ repository, digest });
      }),
    },
    want: { repositories: walked.repositories, tags: walked.tags, manifests: [...walked.manifests.values()] },
  };
}
