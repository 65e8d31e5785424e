/**
 * Reads everything that is stored and compares it with its digest; then looks whether all that images need is there.
 *
 *   blobs    in the order of their digests: read, hashed -- wrong? ----> quarantine, record          (content.ts)
 *                                                        -- no bytes? -> record, left in place
 *   needs    each manifest: is what it needs stored, and linked here? -- no? -> record
 *   records  of what is whole again, or needed by nobody, go
 *
 * `berth/scrub.json` has the last digest that is done, at least every five seconds, so a run that is cut goes on there.
 * Bytes are hashed in slices of 64 KiB, each a turn of the event loop; the rate is kept, and while clients transfer only a
 * slice every 100 ms is read, so that a registry that never rests is checked all the same.
 *
 * It may run beside pushes, deletes and the collector. What is found missing counts only if the manifest is still there
 * afterwards, since content goes after the manifest that needs it. It renews no lease.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Driver } from '../driver/driver.ts';
import type { ScrubRun } from '../spec/admin/integrity.ts';
import { algorithms, type Digest, digestParts, parseDigest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { StoreEvents } from '../spec/events.ts';
import type { Descriptor } from '../spec/manifest.ts';
import type { RepoName } from '../spec/names.ts';
import { blocksOf, type Content } from './content.ts';
import type { Damage, DamageFound, DamageRecord } from './damage.ts';
import { hasLink } from './links.ts';
import type { Locks } from './locks.ts';
import { type ManifestCache, storedLimit } from './manifest-cache.ts';
import { neededContent, type ValidationRules } from './needed.ts';
import { blobData, blobsTree, layerLink, layersTree, revisionLink, scrubState } from './paths.ts';
import type { Repositories } from './repositories.ts';
import type { Tags } from './tags.ts';

export interface ScrubOptions {
  readonly signal: AbortSignal;
  /** Only what these need; everything where it is empty. */
  readonly repositories?: readonly RepoName[];
  /** Bytes per second; as fast as the disk where it is absent. */
  readonly rate?: () => number;
  /** True while clients transfer. */
  readonly isBusy?: () => boolean;
  /** An interrupted run that began earlier, in milliseconds since the epoch, is not continued. */
  readonly continueSince?: number;
  readonly onProgress?: (bytes: number) => void;
}

export interface Scrubber {
  /**
   * Checks everything, or goes on where a run was cut, and answers what was found. One run at a time; on abort its place
   * is kept.
   * @throws AppError CANCELLED, STORAGE_FAILED
   */
  run(options: ScrubOptions): Promise<ScrubRun>;
  /** The run that is under way or was cut, and the last that ended. */
  state(): Promise<{ readonly current?: ScrubRun; readonly last?: ScrubRun }>;
}

interface State {
  readonly current?: ScrubRun;
  /** The last digest that is done; absent at the start of `current`. */
  readonly after?: Digest;
  readonly last?: ScrubRun;
}

type Counts = { -readonly [Key in keyof ScrubRun]: ScrubRun[Key] };

const sliceBytes = 64 * 1024;
const keepMs = 5000;
/** The pause after each slice while clients transfer, in milliseconds. */
const politeMs = 100;
const stateLimit = 64 * 1024;

export function createScrubber({
  driver,
  events,
  locks,
  content,
  damage,
  cache,
  repositories,
  tags,
  rules,
  now,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly content: Content;
  readonly damage: Damage;
  readonly cache: ManifestCache;
  readonly repositories: Repositories;
  readonly tags: Tags;
  readonly rules: () => ValidationRules;
  readonly now: () => number;
}): Scrubber {
  let running: Counts | undefined;

  async function run(options: ScrubOptions): Promise<ScrubRun> {
    return await locks.exclusive('@scrub', async () => {
      const { repositories: names = [] } = options;
      const pace = createPace(options);
      return names.length === 0 ? await runAll(options, pace) : await runSome(names, options, pace);
    });
  }

  // --- everything ---

  async function runAll(options: ScrubOptions, pace: Pace): Promise<ScrubRun> {
    const before = await readState(driver);
    const isOld = Date.parse(before.current?.startedAt ?? '') < (options.continueSince ?? 0);
    const resumed = isOld ? undefined : before.current;
    const counts: Counts = { ...(resumed ?? newRun(now())) };
    let after = resumed === undefined ? undefined : before.after;
    const keep = (): Promise<void> =>
      writeState(driver, {
        current: { ...counts },
        ...(after && { after }),
        ...(before.last && { last: before.last }),
      });
    let keptAt = performance.now();
    running = counts;
    try {
      for await (const digest of storedAfter(after)) {
        await check(digest, counts, { ...options, pace });
        after = digest;
        if (performance.now() - keptAt < keepMs) continue;
        await keep();
        keptAt = performance.now();
      }
      // From its beginning also when it is continued: it is short beside reading everything.
      const needsAt = now();
      const lost = new Set<Digest>();
      counts.danglingLinks = 0;
      for await (const name of repositories.walk()) await checkNeeds(name, { counts, lost, pace });
      await dropMoot(lost, needsAt, pace);
      await countOpen(damage.all(), counts);
      const last = { ...counts, finishedAt: new Date(now()).toISOString() };
      await writeState(driver, { last });
      return last;
    } catch (error) {
      // What stopped it may be the disk that should hold the place: it costs reading a little again.
      await keep().catch(() => undefined);
      throw error;
    } finally {
      running = undefined;
    }
  }

  async function* storedAfter(after: Digest | undefined): AsyncIterable<Digest> {
    const last = after === undefined ? undefined : digestParts(after);
    for (const algorithm of algorithms) {
      // sha256 stands before sha512.
      if (last !== undefined && algorithm < last.algorithm) continue;
      const done = last?.algorithm === algorithm ? last.hex : '';
      for await (const { name: start } of driver.list(blobsTree(algorithm))) {
        if (start < done.slice(0, 2)) continue;
        const from = done.startsWith(start) ? { after: done } : {};
        for await (const { name } of driver.list(`${blobsTree(algorithm)}/${start}`, from)) {
          const digest = parseDigest(`${algorithm}:${name}`);
          if (digest !== undefined) yield digest;
        }
      }
    }
  }

  /** Records of what is whole, or of what no image needs any more. */
  async function dropMoot(lost: ReadonlySet<Digest>, before: number, pace: Pace): Promise<void> {
    for await (const { digest, state, at } of damage.all()) {
      await pace.step();
      // What a reader has found meanwhile may be needed by what was looked at before.
      const isUnneeded = state !== 'unreadable' && !lost.has(digest) && Date.parse(at) <= before;
      if (state === 'healed' || isUnneeded) await damage.forget(digest);
    }
  }

  /** Raises the counts to what is damaged at the end: what former runs have found, and nobody has pushed again. */
  async function countOpen(records: AsyncIterable<DamageRecord>, counts: Counts): Promise<void> {
    const open = { quarantined: 0, missing: 0, unlinked: 0, unreadable: 0, healed: 0 };
    for await (const { state } of records) open[state]++;
    counts.quarantined = Math.max(counts.quarantined, open.quarantined);
    counts.unreadable = open.unreadable;
    counts.missing = open.missing;
    counts.unlinked = open.unlinked;
  }

  // --- some repositories ---

  async function runSome(names: readonly RepoName[], options: ScrubOptions, pace: Pace): Promise<ScrubRun> {
    const counts = newRun(now());
    const checked = new Set<Digest>();
    const lost = new Set<Digest>();
    const checkOnce = async (digest: Digest): Promise<void> => {
      if (checked.has(digest)) return;
      checked.add(digest);
      await check(digest, counts, { ...options, pace });
    };
    running = counts;
    try {
      for (const name of names) {
        for await (const digest of repositories.revisions(name)) await checkOnce(digest);
        // All of them: nobody knows what an unreadable manifest needs.
        for await (const digest of linkedIn(name)) await checkOnce(digest);
        await checkNeeds(name, { counts, lost, pace });
      }
      await countOpen(recordsOf(new Set([...checked, ...lost])), counts);
      return { ...counts, finishedAt: new Date(now()).toISOString() };
    } finally {
      running = undefined;
    }
  }

  async function* recordsOf(digests: ReadonlySet<Digest>): AsyncIterable<DamageRecord> {
    for (const digest of digests) {
      const record = await damage.find(digest);
      if (record !== undefined) yield record;
    }
  }

  // --- one blob ---

  async function check(
    digest: Digest,
    counts: Counts,
    { pace, onProgress }: Pick<ScrubOptions, 'onProgress'> & { readonly pace: Pace },
  ): Promise<void> {
    await pace.step();
    const before = counts.bytes;
    const outcome = await compare(digest, async (bytes) => {
      counts.bytes += bytes;
      onProgress?.(counts.bytes);
      await pace.take(bytes);
    });
    if (outcome === 'absent') return;
    counts.blobs++;
    if (outcome === 'sound') await dropHealed(digest);
    if (outcome === 'damaged') {
      await content.putAside(digest);
      // A push may have replaced the bytes before they were looked at again.
      if ((await damage.find(digest))?.state === 'quarantined') counts.quarantined++;
    }
    if (outcome === 'unreadable') {
      counts.unreadable++;
      await note({ digest, state: 'unreadable', size: counts.bytes - before, repositories: [] });
    }
  }

  async function compare(
    digest: Digest,
    took: (bytes: number) => Promise<void>,
  ): Promise<'sound' | 'damaged' | 'absent' | 'unreadable'> {
    const { algorithm, hex } = digestParts(digest);
    const hash = createHash(algorithm);
    try {
      await using reader = await driver.open(blobData(digest));
      if (reader === undefined) return 'absent';
      for await (const bytes of blocksOf(reader, sliceBytes)) {
        hash.update(bytes);
        await took(bytes.length);
      }
    } catch (error) {
      if (isUnreadable(error)) return 'unreadable';
      throw error;
    }
    return hash.digest('hex') === hex ? 'sound' : 'damaged';
  }

  async function dropHealed(digest: Digest): Promise<void> {
    const record = await damage.find(digest);
    // Good bytes do not make a link.
    if (record !== undefined && record.state !== 'unlinked') await damage.forget(digest);
  }

  async function note(found: DamageFound & { readonly state: 'missing' | 'unlinked' | 'unreadable' }) {
    cache.forget(found.digest);
    if (await damage.note(found)) events.blobLost(found);
  }

  // --- what a repository needs ---

  /** Adds what a repository needs and has not to the records and to `lost`. */
  async function checkNeeds(
    name: RepoName,
    { counts, lost, pace }: { readonly counts: Counts; readonly lost: Set<Digest>; readonly pace: Pace },
  ): Promise<void> {
    const found = new Map<Digest, 'missing' | 'unlinked'>();
    // Where a manifest cannot be read, nobody knows what it needs.
    let isOpaque = false;
    for await (const digest of repositories.revisions(name)) {
      await pace.step();
      const parts = new Map<Digest, 'missing' | 'unlinked'>();
      if (await isAbsent(digest)) parts.set(digest, 'missing');
      const needed = await read(digest);
      isOpaque ||= needed === undefined;
      for (const { digest: part } of needed ?? []) {
        const state = await stateOf(name, part);
        if (state !== undefined) parts.set(part, state);
      }
      // Content goes after the manifest that needs it.
      if (parts.size === 0 || !(await hasLink(driver, revisionLink(name, digest)))) continue;
      for (const [part, state] of parts) found.set(part, state);
    }
    for await (const tag of tags.list(name)) {
      await pace.step();
      const digest = await tags.find(name, tag);
      if (digest === undefined || found.has(digest)) continue;
      if (await hasLink(driver, revisionLink(name, digest))) continue;
      const state = (await isAbsent(digest)) ? 'missing' : 'unlinked';
      if ((await tags.find(name, tag)) === digest) found.set(digest, state);
    }
    for (const [digest, state] of found) {
      lost.add(digest);
      await note({ digest, state, size: 0, repositories: [name] });
    }
    for await (const digest of linkedIn(name)) {
      await pace.step();
      if (found.has(digest) || !(await isAbsent(digest))) continue;
      if (!(await hasLink(driver, layerLink(name, digest)))) continue;
      if (isOpaque) lost.add(digest);
      else counts.danglingLinks++;
    }
  }

  /** The blobs that a repository links. */
  async function* linkedIn(name: RepoName): AsyncIterable<Digest> {
    for (const algorithm of algorithms) {
      for await (const { name: hex } of driver.list(`${layersTree(name)}/${algorithm}`)) {
        const digest = parseDigest(`${algorithm}:${hex}`);
        if (digest !== undefined) yield digest;
      }
    }
  }

  async function isAbsent(digest: Digest): Promise<boolean> {
    return (await driver.stat(blobData(digest))) === undefined;
  }

  async function stateOf(name: RepoName, digest: Digest): Promise<'missing' | 'unlinked' | undefined> {
    if (await isAbsent(digest)) return 'missing';
    const links = [layerLink(name, digest), revisionLink(name, digest)];
    const linked = await Promise.all(links.map((key) => hasLink(driver, key)));
    return linked.includes(true) ? undefined : 'unlinked';
  }

  /** What a manifest needs; `undefined` for one that cannot be read, which is known by then. */
  async function read(digest: Digest): Promise<readonly Descriptor[] | undefined> {
    const info = await driver.stat(blobData(digest));
    if (info === undefined || info.size > storedLimit) return undefined;
    try {
      const manifest = (await cache.get(digest))?.manifest;
      return manifest && neededContent(manifest, rules());
    } catch (error) {
      if (isAppError(error, 'STORAGE_FAILED')) return undefined;
      throw error;
    }
  }

  async function describe(): ReturnType<Scrubber['state']> {
    const { current, last } = await readState(driver);
    const shown = running === undefined ? current : { ...running };
    return { ...(shown && { current: shown }), ...(last && { last }) };
  }

  return { run, state: describe };
}

/** False for what says nothing of the file: too many are open, no memory, or the run was cut. */
function isUnreadable(error: unknown): boolean {
  if (!isAppError(error, 'STORAGE_FAILED')) return false;
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
  return !['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(String(code));
}

interface Pace {
  /** Between steps that read no bytes: lets others run, and ends the run on abort. */
  step(): Promise<void>;
  /** After bytes were read: waits until more may be. */
  take(bytes: number): Promise<void>;
}

/** Steps in one turn of the event loop. */
const stepsPerTurn = 16;
/** For how long a rate that was not used up may be made up for, in milliseconds. */
const creditMs = 100;

function createPace({ signal, rate, isBusy = () => false }: ScrubOptions): Pace {
  let due = performance.now();
  let steps = 0;

  async function wait(ms: number): Promise<void> {
    if (ms < 1) await nextTurn();
    else await delay(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new AppError('CANCELLED', { cause: signal.reason });
  }

  return {
    async step() {
      if (++steps % stepsPerTurn === 0) await wait(isBusy() ? politeMs : 0);
    },
    async take(bytes) {
      const at = performance.now();
      const perSecond = rate?.() ?? Number.POSITIVE_INFINITY;
      due = Math.max(due, at - creditMs) + (bytes / perSecond) * 1000;
      await wait(isBusy() ? Math.max(politeMs, due - at) : due - at);
    },
  };
}

function newRun(at: number): Counts {
  const startedAt = new Date(at).toISOString();
  const none = { quarantined: 0, missing: 0, unlinked: 0, unreadable: 0, danglingLinks: 0 };
  return { startedAt, blobs: 0, bytes: 0, ...none };
}

async function writeState(driver: Driver, state: State): Promise<void> {
  await driver.write(scrubState, new TextEncoder().encode(JSON.stringify(state)));
}

/** What cannot be read is as if there were none: everything is checked from the start. */
async function readState(driver: Driver): Promise<State> {
  const bytes = await driver.readSmall(scrubState, { limit: stateLimit });
  if (bytes === undefined) return {};
  let value: Partial<Record<keyof State, unknown>>;
  try {
    value = Object(JSON.parse(new TextDecoder().decode(bytes))) as typeof value;
  } catch {
    return {};
  }
  const [current, last] = [parseRun(value.current), parseRun(value.last)];
  const after = parseDigest(String(value.after));
  return {
    ...(current && { current, ...(after && { after }) }),
    ...(last && { last }),
  };
}

function parseRun(value: unknown): ScrubRun | undefined {
  const { startedAt, finishedAt, ...counts } = Object(value) as Partial<Record<keyof ScrubRun, unknown>>;
  const run = newRun(0);
  if (typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt))) return undefined;
  for (const [name, count] of Object.entries(counts)) {
    if (typeof count === 'number' && name in run) Object.assign(run, { [name]: count });
  }
  return { ...run, startedAt, ...(typeof finishedAt === 'string' ? { finishedAt } : {}) };
}
