/**
 * Garbage collection beside pushes: no stop, no read-only mode. Nothing that a client was told is taken away from it:
 *
 *   push       HEAD 200, mount, 201 ............ PUT manifest: hold ... look ... write ... renew ..... pulled
 *                  '-- renews the lease ---------------' '-- held, then renewed, with all it names --'
 *   collector        | watch        | condemn, each digest alone
 *                    v              v
 *          mark: repositories,      leased or held, or renewed since the watch began?  -> stays
 *          then the trash           younger than the grace by the time of its file?    -> stays
 *                    |              not seen by a run at least the quarantine ago?     -> stays, seen now
 *                    v              else its layer links go, a few at a time, then its data
 *               unmarked = garbage
 *
 * Why a stale mark is enough: whoever makes something reachable (put, mount, tag, restore) renews the lease of every
 * digest that becomes so, and no lease lapses while a watch is open. So what was unmarked and is not leased is
 * unreachable, however long ago it was marked. Removing excludes holding (leases.ts): a request either holds the digest
 * first, and the removal is refused, or waits for its end and finds nothing. The trash is marked last, because a
 * removal writes its entry before it removes; a restore goes the other way and renews what it restores.
 *
 * Untagged manifests go too, when no tagged manifest, index, referrer or trash entry needs them. What they name goes
 * with them: it stays while one of them stays. The index goes before what it lists.
 *
 * Where a manifest cannot be read, nobody knows what it needs: everything linked in its repository stays. A disk that
 * cannot be read ends the run before anything is removed. On a full disk a run takes what no former one has seen: that
 * wait is a second net, the lease is the first. Ages of files are of the wall clock, which may be set: a time
 * in the future counts as young, and leases, of a clock that nobody sets, hold whatever the files say. At the start
 * everything is leased, so nothing is removed for one grace time.
 *
 * A crash leaves a blob with less links, or without its data; no manifest named it.
 */
import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Driver } from '../driver/driver.ts';
import type { CollectPlanRow, CollectResult, CollectRow } from '../spec/admin/upkeep.ts';
import { algorithms, type Digest, digestParts, parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { StoreEvents } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import { defaultGraceMs, type Leases } from './leases.ts';
import type { Locks } from './locks.ts';
import {
  blobData,
  blobsTree,
  blobTree,
  layerLink,
  layersTree,
  layerTree,
  revisionLink,
  revisionTree,
} from './paths.ts';
import type { ReferenceReader, References } from './references.ts';
import type { Repositories } from './repositories.ts';
import type { Tags } from './tags.ts';
import type { Trash } from './trash.ts';

/** What the last look at everything has found. */
export interface CollectFigures {
  readonly reclaimableBytes: number;
  readonly trashBytes: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Collector {
  /**
   * Answers what nobody needs, to the byte, and changes nothing. All counts are of the whole; `kept...` are those of them
   * that a run at once would keep.
   * @throws AppError CANCELLED, STORAGE_FAILED
   */
  plan(options: { readonly signal: AbortSignal }): Promise<CollectPlanRow>;
  /**
   * Removes what nobody needs and a former run has seen, and answers what it has removed and what it has kept. One run
   * at a time; on abort what is removed is removed, and nothing is half removed that somebody needs.
   * @throws AppError CANCELLED, STORAGE_FAILED, PLAN_STALE
   */
  collect(options: CollectRunOptions): Promise<CollectResult>;
  /** `undefined` before the first plan or run. */
  readonly figures: CollectFigures | undefined;
}

export interface CollectRunOptions {
  readonly signal: AbortSignal;
  /** The hash of a plan: nothing is removed when what nobody needs is no longer the same. */
  readonly plan?: string | undefined;
  /** Takes also what no former run has seen. Leases and the age of files hold all the same. */
  readonly isUrgent?: boolean;
  /** Told how many blobs are done of those that go. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface CollectOptions {
  /** How long what is unreferenced stays at least, by its lease and by its file. */
  readonly graceMs?: (() => number) | undefined;
  /** How long it stays at least after a run has seen it first; as long as the grace where it is not said. */
  readonly quarantineMs?: number | undefined;
  /** False keeps manifests without a tag; true removes those that nothing needs. */
  readonly deleteUntagged?: (() => boolean) | undefined;
}

interface Candidate {
  readonly repository: RepoName;
  readonly digest: Digest;
  readonly references: References;
}

interface Marked {
  /** What is reachable from tagged manifests and all that they need. */
  readonly live: Marks;
  /** What only the trash needs. */
  readonly trashed: Marks;
  /** Untagged manifests that nothing needs. */
  readonly untagged: readonly Untagged[];
}

/** How many blobs a plan names. */
const shownRows = 200;

/** Links that are removed in one go, while whoever wants to hold the digest waits. */
const linksAtOnce = 8;

export function createCollector({
  driver,
  events,
  locks,
  leases,
  repositories,
  references,
  tags,
  trash,
  graceMs = () => defaultGraceMs,
  quarantineMs,
  deleteUntagged = () => true,
  forget,
  now,
  monotonic,
}: CollectOptions & {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly leases: Leases;
  readonly repositories: Repositories;
  readonly references: ReferenceReader;
  readonly tags: Tags;
  readonly trash: Trash;
  /** Drops what is kept in memory of bytes that are gone. */
  readonly forget: (digest: Digest) => void;
  readonly now: () => number;
  readonly monotonic: () => number;
}): Collector {
  /** When each piece of garbage was first seen as such. */
  let seenAt = new Map<string, number>();

  let figures: CollectFigures | undefined;

  async function plan({ signal }: { readonly signal: AbortSignal }): Promise<CollectPlanRow> {
    const step = createStep(signal);
    const { live, trashed, untagged } = await mark(step);
    const hash = hashOf(untagged);
    const manifests = untagged.reduce((sum, each) => sum + each.total, 0);
    const ofUntagged = createMarks();
    for (const candidate of untagged.flatMap((each) => each.all())) markParts(ofUntagged, candidate);
    const spared = createMarks();
    for (const each of untagged) {
      for (const candidate of each.all()) {
        if (!(await isReady(candidate))) spare(each, candidate, spared);
      }
    }
    const count = { blobs: 0, bytes: 0, manifests, keptBlobs: 0, keptBytes: 0, trashBytes: 0 };
    let found: Found[] = [];
    for await (const { digest, size, isYoung } of unmarked(live, step)) {
      if (trashed.has(digest)) {
        count.trashBytes += size;
        continue;
      }
      hash.update(`${digest} ${size}\n`);
      count.blobs++;
      count.bytes += size;
      const isKept = isYoung || spared.has(digest) || leases.isLeased(digest) || !wasSeen(digest);
      found.push({ digest, size, why: ofUntagged.has(digest) ? 'untagged' : 'unreferenced', isKept });
      if (found.length > 2 * shownRows) found = largest(found);
      if (!isKept) continue;
      count.keptBlobs++;
      count.keptBytes += size;
    }
    figures = { reclaimableBytes: count.bytes, trashBytes: count.trashBytes, at: now() };
    const shown = largest(found);
    const links = await linksOf(new Map(shown.map(({ digest, size }) => [digest, size])), step);
    const rows = shown.map((row) => ({ ...row, repositories: links.get(row.digest) ?? [] }));
    return { ...count, rows, hash: endOf(hash) };
  }

  async function collect({ signal, ...options }: CollectRunOptions): Promise<CollectResult> {
    return await locks.exclusive('@collect', () => run(createStep(signal), options));
  }

  /** Throws PLAN_STALE unless what nobody needs is what the plan named. */
  async function checkPlan(agreed: string, { live, trashed, untagged }: Marked, step: Step): Promise<void> {
    const hash = hashOf(untagged);
    for await (const { digest, size } of unmarked(live, step)) {
      if (!trashed.has(digest)) hash.update(`${digest} ${size}\n`);
    }
    if (endOf(hash) !== agreed) throw new AppError('PLAN_STALE');
  }

  async function run(
    step: Step,
    { plan: agreed, isUrgent = false, onProgress }: Omit<CollectRunOptions, 'signal'>,
  ): Promise<CollectResult> {
    using _ = leases.watch();
    const marked = await mark(step);
    if (agreed !== undefined) await checkPlan(agreed, marked, step);
    const { live, trashed, untagged } = marked;
    let trashBytes = 0;
    const isDue = (key: string): boolean => isUrgent || wasSeen(key);
    const seen = new Map<string, number>();
    const note = (key: string): void => void seen.set(key, seenAt.get(key) ?? monotonic());
    const spared = createMarks();
    const count = { blobs: 0, bytes: 0, manifests: 0, keptBlobs: 0, keptBytes: 0 };
    for (const each of untagged) {
      count.manifests += await removeUntagged(each, { spared, note, isDue, step });
    }

    const doomed = new Map<Digest, number>();
    for await (const { digest, size, isYoung } of unmarked(live, step)) {
      if (trashed.has(digest)) {
        trashBytes += size;
        continue;
      }
      const isInUse = isYoung || leases.isLeased(digest);
      if (!isInUse) note(digest);
      if (!isInUse && !spared.has(digest) && isDue(digest)) {
        doomed.set(digest, size);
      } else {
        count.keptBlobs++;
        count.keptBytes += size;
      }
    }
    seenAt = seen;
    const links = await linksOf(doomed, step);
    let done = 0;
    for (const [digest, size] of doomed) {
      await step();
      const isGone = await removeBlob(digest, links.get(digest) ?? []);
      if (isGone) {
        forget(digest);
        events.blobCollected({ digest, size });
      }
      count[isGone ? 'blobs' : 'keptBlobs']++;
      count[isGone ? 'bytes' : 'keptBytes'] += size;
      if (isGone) seen.delete(digest);
      onProgress?.(++done, doomed.size);
    }
    figures = { reclaimableBytes: count.keptBytes, trashBytes, at: now() };
    return count;
  }

  function wasSeen(key: string): boolean {
    const at = seenAt.get(key);
    return at !== undefined && monotonic() - at >= (quarantineMs ?? graceMs());
  }

  /** A time in the future, as after a clock was set back, counts as young. */
  function isYoungTime(modifiedAt: number): boolean {
    return now() - modifiedAt < graceMs();
  }

  async function isReady({ repository, digest }: Candidate, isDue = wasSeen): Promise<boolean> {
    if (leases.isLeased(digest) || !isDue(keyOf(repository, digest))) return false;
    const info = await driver.stat(revisionLink(repository, digest));
    return info !== undefined && !isYoungTime(info.modifiedAt);
  }

  async function removeUntagged(
    untagged: Untagged,
    {
      spared,
      note,
      isDue,
      step,
    }: {
      readonly spared: Marks;
      readonly note: (key: string) => void;
      readonly isDue: (key: string) => boolean;
      readonly step: Step;
    },
  ): Promise<number> {
    // All of them first: what is kept may keep others, whichever comes first.
    for (const candidate of untagged.all()) {
      await step();
      const isReadyNow = await isReady(candidate, isDue);
      if (!leases.isLeased(candidate.digest)) note(keyOf(candidate.repository, candidate.digest));
      if (!isReadyNow) spare(untagged, candidate, spared);
    }
    let removed = 0;
    for (const candidate of untagged.parentsFirst()) {
      await step();
      if (!untagged.has(candidate.digest)) continue;
      const { repository, digest } = candidate;
      const isGone = await leases.condemn(digest, () => driver.removeTree(revisionTree(repository, digest)));
      if (isGone) {
        removed++;
        await events.manifestDeleted({ repository, digest, tags: [], actor: nobody });
      } else spare(untagged, candidate, spared);
    }
    return removed;
  }

  /** Removes the links of a blob and then its data, unless somebody wants it meanwhile; answers whether it is gone. */
  async function removeBlob(digest: Digest, linkedIn: readonly RepoName[]): Promise<boolean> {
    for (let at = 0; at < linkedIn.length; at += linksAtOnce) {
      const some = linkedIn.slice(at, at + linksAtOnce);
      const isGone = await removeUnless(digest, some, () =>
        Promise.all(some.map((repository) => driver.removeTree(layerTree(repository, digest)))),
      );
      if (!isGone) return false;
    }
    return await removeUnless(digest, [], () => driver.removeTree(blobTree(digest)));
  }

  async function removeUnless(
    digest: Digest,
    linkedIn: readonly RepoName[],
    remove: () => Promise<unknown>,
  ): Promise<boolean> {
    let isGone = false;
    await leases.condemn(digest, async () => {
      const files = [blobData(digest), ...linkedIn.map((repository) => layerLink(repository, digest))];
      const found = await Promise.all(files.map((key) => driver.stat(key)));
      if (found.some((info) => info !== undefined && isYoungTime(info.modifiedAt))) return;
      await remove();
      isGone = true;
    });
    return isGone;
  }

  async function mark(step: Step): Promise<Marked> {
    const live = createMarks();
    const trashed = createMarks();
    const left = new Map<RepoName, Untagged>();
    for await (const repository of repositories.walk()) {
      const untagged = await markRepository(repository, live, step);
      if (untagged.total > 0) left.set(repository, untagged);
    }
    // After the repositories, see above.
    for await (const { repository, digest } of trash.entries()) {
      await step();
      const roots = await markClosure(digest, trashed);
      for (const each of left.get(repository)?.rescue(roots) ?? []) markParts(trashed, each);
    }
    return { live, trashed, untagged: [...left.values()].filter((each) => each.total > 0) };
  }

  /** Marks a manifest with all that it lists, and answers which manifests those are. */
  async function markClosure(root: Digest, marks: Marks): Promise<readonly Digest[]> {
    const manifests: Digest[] = [];
    marks.add(root);
    for await (const each of references.closure(root)) {
      manifests.push(each.digest);
      markParts(marks, each);
    }
    return manifests;
  }

  /** Marks what a repository needs, and answers the manifests that nothing in it needs. */
  async function markRepository(repository: RepoName, live: Marks, step: Step): Promise<Untagged> {
    const tagged = new Set<Digest>();
    for await (const tag of tags.list(repository)) {
      await step();
      const digest = await tags.find(repository, tag);
      if (digest !== undefined) tagged.add(digest);
    }
    const untagged = createUntagged();
    const roots = [...tagged];
    const present = new Set<Digest>();
    let isOpaque = false;
    for await (const digest of repositories.revisions(repository)) {
      await step();
      present.add(digest);
      const named = await references.read(digest);
      if (named === undefined) {
        live.add(digest);
        isOpaque = true;
      } else if (tagged.has(digest) || !deleteUntagged()) {
        markParts(live, { digest, references: named });
        roots.push(digest, ...neededBy(named));
      } else untagged.add({ repository, digest, references: named });
    }
    if (isOpaque) {
      roots.push(...untagged.all().map(({ digest }) => digest));
      for await (const digest of linkedBlobs(repository)) live.add(digest);
    }
    // A tag whose manifest lost its link: whoever mends that needs the content.
    for (const digest of [...tagged].filter((each) => !present.has(each))) await markClosure(digest, live);
    for (const each of untagged.rescue(roots)) markParts(live, each);
    return untagged;
  }

  async function* linkedBlobs(repository: RepoName): AsyncIterable<Digest> {
    for (const algorithm of algorithms) {
      for await (const { name } of driver.list(`${layersTree(repository)}/${algorithm}`)) {
        const digest = parseDigest(`${algorithm}:${name}`);
        if (digest !== undefined) yield digest;
      }
    }
  }

  /** The repositories that link each of some blobs. */
  async function linksOf(
    blobs: ReadonlyMap<Digest, number>,
    step: Step,
  ): Promise<ReadonlyMap<Digest, readonly RepoName[]>> {
    const links = new Map<Digest, RepoName[]>();
    if (blobs.size === 0) return links;
    for await (const repository of repositories.walk()) {
      for await (const digest of linkedBlobs(repository)) {
        await step();
        if (!blobs.has(digest)) continue;
        const found = links.get(digest);
        if (found === undefined) links.set(digest, [repository]);
        else found.push(repository);
      }
    }
    return links;
  }

  /** Every stored blob that is not marked. */
  async function* unmarked(live: Marks, step: Step) {
    for (const algorithm of algorithms) {
      for await (const { name: start } of driver.list(blobsTree(algorithm))) {
        for await (const { name } of driver.list(`${blobsTree(algorithm)}/${start}`)) {
          await step();
          const digest = parseDigest(`${algorithm}:${name}`);
          if (digest === undefined || live.has(digest)) continue;
          const info = await driver.stat(blobData(digest));
          if (info !== undefined) yield { digest, size: info.size, isYoung: isYoungTime(info.modifiedAt) };
        }
      }
    }
  }

  return {
    plan,
    collect,
    get figures() {
      return figures;
    },
  };
}

interface Found extends Omit<CollectRow, 'repositories'> {
  readonly digest: Digest;
}

function largest(found: readonly Found[]): Found[] {
  return found.toSorted((a, b) => b.size - a.size).slice(0, shownRows);
}

/** A hash of the manifests that go, to which the blobs are added in the order of their digests. */
function hashOf(untagged: readonly Untagged[]): Hash {
  const hash = createHash('sha256');
  for (const { repository, digest } of untagged.flatMap((each) => each.all())) {
    hash.update(`${repository}@${digest}\n`);
  }
  return hash;
}

function endOf(hash: Hash): string {
  return hash.digest('hex').slice(0, 16);
}

/** Removals by the collector are nobody's. */
const nobody = { user: '', requestId: '' } as const;

function keyOf(repository: RepoName, digest: Digest): string {
  return `${repository}@${digest}`;
}

function neededBy({ manifests, subject }: References): readonly Digest[] {
  return subject === undefined ? manifests : [...manifests, subject];
}

function markParts(marks: Marks, { digest, references }: Pick<Candidate, 'digest' | 'references'>): void {
  marks.add(digest);
  for (const each of references.blobs) marks.add(each);
  for (const each of references.manifests) marks.add(each);
}

/** Keeps an untagged manifest for now, with all that it needs. */
function spare(untagged: Untagged, { digest }: Candidate, spared: Marks): void {
  for (const each of untagged.rescue([digest])) markParts(spared, each);
}

/** The manifests of a repository that have no tag, less those that turn out to be needed. */
interface Untagged {
  readonly total: number;
  add(candidate: Candidate): void;
  has(digest: Digest): boolean;
  all(): readonly Candidate[];
  /** Those that list others before those others. */
  parentsFirst(): readonly Candidate[];
  /** Takes out those that the given manifests need, directly or indirectly, and the given themselves. */
  rescue(needed: readonly Digest[]): readonly Candidate[];
}

function createUntagged(): Untagged {
  const left = new Map<Digest, Candidate>();
  const referrers = new Map<Digest, Digest[]>();

  function rescue(needed: readonly Digest[]): readonly Candidate[] {
    const rescued: Candidate[] = [];
    if (left.size === 0) return rescued;
    const met = new Set(needed);
    // A set that grows while it is walked is walked to its end.
    for (const digest of met) {
      // A subject keeps its referrers (signatures), and what refers keeps its subject.
      for (const each of referrers.get(digest) ?? []) met.add(each);
      const found = left.get(digest);
      if (found === undefined) continue;
      left.delete(digest);
      rescued.push(found);
      for (const each of neededBy(found.references)) met.add(each);
    }
    return rescued;
  }

  function parentsFirst(): readonly Candidate[] {
    const ordered: Candidate[] = [];
    const met = new Set<Digest>();
    const visit = (digest: Digest): void => {
      const found = left.get(digest);
      if (found === undefined || met.has(digest)) return;
      met.add(digest);
      for (const child of found.references.manifests) visit(child);
      ordered.push(found);
    };
    for (const digest of left.keys()) visit(digest);
    return ordered.toReversed();
  }

  return {
    get total() {
      return left.size;
    },
    add(candidate) {
      left.set(candidate.digest, candidate);
      const { subject } = candidate.references;
      if (subject !== undefined)
        referrers.set(subject, [...(referrers.get(subject) ?? []), candidate.digest]);
    },
    has: (digest) => left.has(digest),
    all: () => [...left.values()],
    parentsFirst,
    rescue,
  };
}

/** A set of digests, of 40 bytes each: by their first 52 bits. Two that share them are both kept, which is safe. */
interface Marks {
  add(digest: Digest): void;
  has(digest: Digest): boolean;
}

function createMarks(): Marks {
  const marks = new Set<number>();
  const short = (digest: Digest): number => Number.parseInt(digestParts(digest).hex.slice(0, 13), 16);
  return {
    add: (digest) => void marks.add(short(digest)),
    has: (digest) => marks.has(short(digest)),
  };
}

/** Awaited between steps: lets requests run, and ends the run on abort. */
type Step = () => Promise<void>;

/** Memory drivers answer without leaving the turn of the event loop. */
const stepsPerTurn = 32;

function createStep(signal: AbortSignal): Step {
  let steps = 0;
  return async () => {
    if (++steps % stepsPerTurn === 0) await nextTurn();
    if (signal.aborted) throw new AppError('CANCELLED', { cause: signal.reason });
  };
}
