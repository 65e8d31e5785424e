/** What the tests of this folder work with: a store whose events go to a journal and an index, and a plain walk of it. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from '../driver/driver.ts';
import { createEvents } from '../feed/events.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import type { ManifestListRow, ManifestRow, MoveRow, RepositoryRow, TagRow } from '../spec/admin/content.ts';
import type { Digest } from '../spec/digest.ts';
import { type AttachmentKind, attachmentsOf, kindOf } from '../spec/kinds.ts';
import type { Manifest } from '../spec/manifest.ts';
import type { RepoName } from '../spec/names.ts';
import { blobData } from '../store/paths.ts';
import type { ValidationRules } from '../store/needed.ts';
import { createStore, type Store, type StoreOptions } from '../store/store.ts';
import { drivers } from '../store/store.suite.ts';
import { type Index, openIndex } from './index-db.ts';
import { type Journal, openJournal } from './journal.ts';
import { everythingIn, findRepositories } from './naive-filter.suite.ts';
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

/** Empty where it is no JSON, or of another kind. */
async function configOf(driver: Driver, { config }: Manifest): Promise<Readonly<Record<string, string>>> {
  if (config?.mediaType !== 'application/vnd.oci.image.config.v1+json') return {};
  const bytes = await driver.readSmall(blobData(config.digest), { limit: 1000 });
  return JSON.parse(Buffer.from(bytes ?? []).toString() || '{}') as Record<string, string>;
}

/** Those of the children, or that of the config. */
function platformsOf({ manifests }: Manifest, config: Readonly<Record<string, string>>): readonly string[] {
  const listed = manifests.map(({ platform }) => platform).filter((each) => each !== undefined);
  const { os, architecture, variant } = config;
  const platform = [os, architecture, variant].filter((each) => each !== undefined).join('/');
  return [...new Set(platform === '' ? listed : [platform])];
}

function traitsOf({ isIndex, artifactType, config, layers, annotations = {} }: Manifest) {
  const layerTypes = layers.map(({ mediaType }) => mediaType);
  const thing = { artifactType, configType: config?.mediaType, layerTypes, annotations };
  const predicateTypes = layers.flatMap(({ predicateType }) => predicateType ?? []);
  const kind = isIndex && artifactType === undefined ? 'image' : kindOf(thing);
  return { kind, attachments: attachmentsOf({ ...thing, predicateTypes }) };
}

/** What the journal and the clock tell. */
const told = ['pushedAt', 'pushedBy', 'client', 'lastPulledAt', 'pullCount', 'pulls30d'] as const;
type FromDisk<Row> = Omit<Row, (typeof told)[number]>;

/** A row without what a walk of the disk cannot know. */
function fromDisk<Row extends object>(row: Row): FromDisk<Row> {
  const kept = Object.entries(row).filter(([key]) => !told.some((each) => each === key));
  return Object.fromEntries(kept) as FromDisk<Row>;
}

interface Walked {
  readonly repositories: readonly FromDisk<RepositoryRow>[];
  readonly tags: readonly FromDisk<TagRow>[];
  readonly manifests: ReadonlyMap<string, ManifestRow>;
  readonly listed: readonly (FromDisk<ManifestListRow> & { readonly repository: string })[];
}

/** The same read from the store and the driver, the long way: whole sets, no sums that are kept. */
async function walk(store: Store, driver: Driver): Promise<Walked> {
  interface Held {
    readonly repository: RepoName;
    readonly digest: Digest;
    readonly row: ManifestRow;
    readonly traits: ReturnType<typeof traitsOf> & { readonly createdAt: string };
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
      const config = await configOf(driver, manifest);
      const row: ManifestRow = {
        digest,
        mediaType: found.mediaType,
        ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
        totalBytes: 0,
        exclusiveBytes: 0,
        platforms: platformsOf(manifest, config),
        children: manifest.manifests.map((child) => child.digest),
        ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
        referrers: {},
        annotations: manifest.annotations ?? {},
        tags: [],
      };
      const traits = { ...traitsOf(manifest), createdAt: config['created'] ?? '' };
      held.push({ repository, digest, row, traits, needs });
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
  const find = (repository: string, digest: string): Held | undefined =>
    held.find((one) => one.repository === repository && one.digest === digest);
  const createdOf = (top: Held): { readonly createdAt?: string } => {
    const newest = [...below(top)]
      .map(({ traits }) => traits.createdAt)
      .toSorted()
      .at(-1);
    return newest === undefined || newest === '' ? {} : { createdAt: newest };
  };
  const attachedTo = ({ repository, digest, row }: Held): ReadonlySet<AttachmentKind> => {
    const hex = digest.replace(':', '-');
    const hanging = tags
      .filter((tag) => tag.repository === repository && [hex, `${hex}.sig`].includes(tag.tag))
      .map((tag) => tag.digest);
    const parts = held.filter(
      (one) =>
        one.repository === repository &&
        (one.row.subject === digest || [...row.children, ...hanging].includes(one.digest)),
    );
    return new Set(parts.flatMap(({ traits }) => traits.attachments));
  };
  const isFallback = (tag: string): boolean => tag.startsWith('sha256-');
  const tagRows = tags
    .filter(({ repository }) => names.includes(repository))
    .map((tag) => {
      const means = find(tag.repository, tag.digest);
      const row = manifests.get(`${tag.repository}@${tag.digest}`);
      const attached = means === undefined ? new Set() : attachedTo(means);
      return {
        ...tag,
        mediaType: row?.mediaType ?? '',
        kind: means?.traits.kind ?? 'other',
        digestTags: tags.filter((one) => one.repository === tag.repository && one.digest === tag.digest)
          .length,
        isFallback: isFallback(tag.tag),
        hasSignature: attached.has('signature'),
        hasSbom: attached.has('sbom'),
        hasProvenance: attached.has('provenance'),
        platforms: row?.platforms ?? [],
        totalBytes: row?.totalBytes ?? 0,
        ...(means === undefined ? {} : createdOf(means)),
      };
    });
  const repositories = names.map((name) => {
    const here = held.filter(({ repository }) => repository === name);
    const used = new Set(here.flatMap(({ needs }) => [...needs.keys()]));
    const elsewhere = new Set(
      held.filter(({ repository }) => repository !== name).flatMap(({ needs }) => [...needs.keys()]),
    );
    const tagged = new Set(tags.filter(({ repository }) => repository === name).map(({ digest }) => digest));
    const listed = new Set(here.flatMap(({ row }) => row.children));
    const shown = tagRows.filter(({ repository, tag }) => repository === name && !isFallback(tag));
    const [kind, ...kinds] = new Set(shown.map((tag) => tag.kind));
    return {
      name,
      ...(kind === undefined ? {} : { kind: kinds.length > 0 ? ('mixed' as const) : kind }),
      isMultiPlatform: shown.some(
        ({ platforms }) => platforms.filter((each) => each !== 'unknown/unknown').length > 1,
      ),
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
    tags: tagRows,
    manifests,
    listed: held.map((each) => {
      const { repository, digest, traits } = each;
      const row = manifests.get(`${repository}@${digest}`) ?? each.row;
      const isListed = held.some((one) => one.repository === repository && one.row.children.includes(digest));
      const without = isListed ? 'index' : 'untagged';
      return {
        repository,
        digest,
        mediaType: row.mediaType,
        ...(row.artifactType === undefined ? {} : { artifactType: row.artifactType }),
        kind: traits.kind,
        platforms: row.platforms,
        totalBytes: row.totalBytes,
        ...createdOf(each),
        ...(row.subject === undefined ? {} : { subject: row.subject }),
        tagCount: row.tags.length,
        keptBy: row.tags.length > 0 ? 'tag' : row.subject === undefined ? without : 'referrer',
      } as const;
    }),
  };
}

const asked = [
  'is:signed',
  'is:unsigned',
  'is:multiplatform',
  'kind:image',
  '-kind:image',
  'kind:mixed',
  'by:dev',
];

function byKey<Row extends { readonly repository: string; readonly digest: string }>(rows: readonly Row[]) {
  return new Map(rows.map((row) => [`${row.repository}@${row.digest}`, row]));
}

function manifestsOf(index: Index, repositories: readonly RepositoryRow[], untagged: boolean) {
  return repositories.flatMap(({ name }) =>
    everyRow((after) =>
      index.manifests({ repository: name as RepoName, untagged, sort: 'size', limit: 3, after }),
    ).map((row) => ({ repository: name, ...fromDisk(row) })),
  );
}

/** What lists and walk have in common. */
export async function compared({ store, index }: Opened, { driver }: Place) {
  const walked = await walk(store, driver);
  const lists = listsOf(index);
  const everything = everythingIn(index);
  return {
    have: {
      repositories: lists.repositories.map(fromDisk),
      tags: lists.tags.map(fromDisk),
      listed: byKey(manifestsOf(index, lists.repositories, false)),
      untagged: byKey(manifestsOf(index, lists.repositories, true)),
      found: asked.map((q) =>
        index.repositories({ q, sort: 'name', limit: 1000 }).rows.map(({ name }) => name),
      ),
      manifests: [...walked.manifests.keys()].map((key) => {
        const [repository = '', digest = ''] = key.split('@');
        return index.manifest({ repository, digest });
      }),
    },
    want: {
      repositories: walked.repositories,
      tags: walked.tags,
      listed: byKey(walked.listed),
      untagged: byKey(walked.listed.filter(({ tagCount }) => tagCount === 0)),
      found: asked.map((q) => findRepositories(everything, { q, sort: 'name' }, Date.now())),
      manifests: [...walked.manifests.values()],
    },
  };
}
