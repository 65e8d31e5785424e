/**
 * Rules at work on a registry: what they would do, and doing it. Both walk the index the same way, a page of tags at a
 * time, so that a simulation says what a run does:
 *
 *   repositories by name -> tags, the newest push first -> judge -> keep, or a batch to be removed
 *
 * A run asks once more before each delete, while nobody else changes the repository: what was moved, pushed again,
 * pulled or protected since it was judged stays, and so does everything once the rules are others.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createBreath } from '../derived/breath.ts';
import type { Index } from '../derived/index-db.ts';
import type { Going, TagRecord } from '../derived/tidy-queries.ts';
import type { AdminResults } from '../spec/admin-api.ts';
import type {
  DecisionRow,
  ExpiringTag,
  Outcome,
  RuleSet,
  RunRow,
  SimulationRow,
} from '../spec/admin/rules.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, RuleEvents } from '../spec/events.ts';
import { parseRepoName, type Tag } from '../spec/names.ts';
import type { TagRemover } from '../store/remove-tags.ts';
import type { Store } from '../store/store.ts';
import type { CompiledRules, Decision } from './compiled.ts';
import type { Rules } from './rules.ts';

export interface SimulateOptions {
  readonly rules: RuleSet;
  readonly after?: string | undefined;
  readonly limit: number;
  readonly only?: 'keep' | 'delete' | undefined;
  readonly signal: AbortSignal;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Who asked for it; a run of itself has nobody. */
  readonly actor?: Actor;
  readonly progress?: (done: number) => void;
}

export interface Tidy {
  /**
   * What rules would do now. All pages of one simulation are of the time of the first.
   * @throws AppError PAGE_INVALID, UNAVAILABLE, CANCELLED
   */
  simulate(options: SimulateOptions): Promise<SimulationRow>;
  /**
   * What rules would do, without the rows.
   * @throws AppError UNAVAILABLE, CANCELLED
   */
  outcome(rules: RuleSet, options: { readonly signal: AbortSignal }): Promise<Outcome>;
  /**
   * Deletes what the rules in force do not keep. One run at a time; on abort what is deleted is in the trash.
   * @throws AppError UNAVAILABLE, CANCELLED
   */
  run(options: RunOptions): Promise<RunRow>;
  /**
   * The tags whose time is over within so many milliseconds, the next first. Looks at every tag of the repositories
   * where tags may expire.
   * @throws AppError UNAVAILABLE, CANCELLED
   */
  expiring(options: {
    readonly withinMs: number;
    readonly limit: number;
    readonly signal: AbortSignal;
  }): Promise<AdminResults['rules.expiring']>;
  /** Deletes the tags whose time is over. Answers when the next is, in milliseconds since the epoch. */
  expire(options: { readonly signal: AbortSignal }): Promise<number | undefined>;
}

export interface TidyOptions {
  readonly rules: Rules;
  readonly index: Index;
  readonly store: Pick<Store, 'manifests'>;
  readonly events: Pick<RuleEvents, 'ruleRan' | 'tagExpired'>;
  /** Resolves once the index has read the disk. */
  readonly ready: Promise<void>;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

const pageTags = 500;
/** Tags that are removed while the repository is locked once. */
const batchTags = 200;
const namedRepositories = 20;

interface Judged {
  readonly record: TagRecord;
  readonly decision: Decision;
}

interface Total {
  deletedTags: number;
  sparedTags: number;
  manifests: number;
}

export function createTidy({ rules, index, store, events, ready, now = Date.now }: TidyOptions): Tidy {
  let running: Promise<unknown> = Promise.resolve();
  /** Of the last simulation, for its further pages. */
  let known: { readonly key: string; readonly outcome: Outcome } | undefined;

  async function begin(signal: AbortSignal): Promise<void> {
    await orAbort(ready, signal);
    if (index.state === 'building') {
      throw new AppError('UNAVAILABLE', {
        message: 'The index is being built anew; rules wait for it.',
        hint: 'Try again in a minute; the log says how far it is.',
      });
    }
    await index.flushPulls();
  }

  async function* repositoriesFrom(first: string, signal: AbortSignal): AsyncGenerator<string> {
    if (first !== '') yield first;
    const breathe = createBreath(signal);
    for (let after = first; ;) {
      const names = index.taggedRepositories(after);
      for (const name of names) {
        await breathe();
        yield name;
      }
      const last = names.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  /** The tags of a repository in pages. `judge` of the compiled rules is asked for each, in order. */
  async function* pagesOf(
    repository: string,
    { compiled, at, signal }: { compiled: CompiledRules; at: number; signal: AbortSignal },
  ): AsyncGenerator<readonly Judged[]> {
    const judge = compiled.judge(repository, { at });
    for await (const records of recordsOf(repository, signal))
      yield records.map((record) => ({ record, decision: judge(record) }));
  }

  async function* recordsOf(repository: string, signal: AbortSignal): AsyncGenerator<readonly TagRecord[]> {
    const breathe = createBreath(signal);
    for (let after: TagRecord | undefined; ;) {
      const records = index.tagRecords({ repository, after, limit: pageTags });
      yield records;
      await breathe();
      if (records.length < pageTags) return;
      after = records.at(-1);
    }
  }

  async function outcomeAt(rulesThen: RuleSet, at: number, signal: AbortSignal): Promise<Outcome> {
    const compiled = rules.compile(rulesThen);
    const hash = createHash('sha256').update(JSON.stringify(rulesThen));
    const going: Going[] = [];
    const emptied: string[] = [];
    const count = { keptTags: 0, deletedTags: 0, emptiedRepositories: 0 };
    for await (const repository of repositoriesFrom('', signal)) {
      if (!compiled.mayDelete(repository)) {
        count.keptTags += index.room({ prefix: repository, matches: (name) => name === repository }).tags;
        continue;
      }
      const tagsOf = new Map<string, number>();
      let [kept, deleted] = [0, 0];
      for await (const page of pagesOf(repository, { compiled, at, signal })) {
        for (const { record, decision } of page) {
          if (decision.decision === 'keep') {
            kept++;
            continue;
          }
          deleted++;
          tagsOf.set(record.digest, (tagsOf.get(record.digest) ?? 0) + 1);
          hash.update(`\n${repository}:${record.tag}@${record.digest}`);
        }
      }
      count.keptTags += kept;
      count.deletedTags += deleted;
      if (deleted > 0) going.push({ repository, tagsOf });
      if (deleted > 0 && kept === 0) count.emptiedRepositories++;
      if (deleted > 0 && kept === 0 && emptied.length < namedRepositories) emptied.push(repository);
    }
    const { manifests, bytes } = await index.freed(going, { signal });
    return { ...count, manifests, freedBytes: bytes, emptied, plan: hash.digest('hex').slice(0, 32) };
  }

  async function simulate(options: SimulateOptions): Promise<SimulationRow> {
    const { rules: rulesThen, limit, only, signal } = options;
    await begin(signal);
    const cursor = options.after === undefined ? undefined : readCursor(options.after);
    const at = cursor?.at ?? now();
    const key = `${at} ${JSON.stringify(rulesThen)}`;
    if (known?.key !== key) known = { key, outcome: await outcomeAt(rulesThen, at, signal) };
    const { outcome } = known;
    const compiled = rules.compile(rulesThen);
    const rows: DecisionRow[] = [];
    for await (const repository of repositoriesFrom(cursor?.repository ?? '', signal)) {
      for await (const page of pagesOf(repository, { compiled, at, signal })) {
        for (const judged of page) {
          if (repository === cursor?.repository && !isBehind(judged.record, cursor)) continue;
          if (only !== undefined && judged.decision.decision !== only) continue;
          const last = rows.at(-1);
          if (rows.length === limit && last !== undefined)
            return { rows, next: writeCursor(at, last), outcome };
          rows.push(rowOf(repository, judged));
        }
      }
    }
    return { rows, outcome };
  }

  async function run({ signal, actor, progress }: RunOptions): Promise<RunRow> {
    const total: Total = { deletedTags: 0, sparedTags: 0, manifests: 0 };
    try {
      await begin(signal);
      const at = now();
      const compiled = rules.compiled();
      for await (const repository of repositoriesFrom('', signal)) {
        const name = parseRepoName(repository);
        if (name === undefined || !compiled.mayDelete(repository)) continue;
        using remover = store.manifests.tagRemover(name);
        for await (const page of pagesOf(repository, { compiled, at, signal })) {
          await removeAll(repository, page, { remover, compiled, total, signal });
          progress?.(total.deletedTags);
        }
      }
      return total;
    } finally {
      const { deletedTags: tags, sparedTags: spared, manifests } = total;
      if (tags > 0 || actor !== undefined)
        await events.ruleRan({ tags, spared, manifests, actor: actor ?? { user: '', requestId: 'rules' } });
    }
  }

  async function expire({ signal }: { readonly signal: AbortSignal }): Promise<number | undefined> {
    await begin(signal);
    const at = now();
    const compiled = rules.compiled();
    const total: Total = { deletedTags: 0, sparedTags: 0, manifests: 0 };
    let next: number | undefined;
    for await (const repository of repositoriesFrom('', signal)) {
      const name = parseRepoName(repository);
      if (name === undefined || !compiled.mayExpire(repository)) continue;
      using remover = store.manifests.tagRemover(name);
      for await (const page of pagesOf(repository, { compiled, at, signal })) {
        const expired = page.filter(({ decision }) => decision.reason === 'expired');
        await removeAll(repository, expired, { remover, compiled, total, signal });
        for (const { record } of page) {
          const expiry = compiled.expiryOf(repository, record);
          if (expiry !== undefined && expiry.at > at) next = Math.min(next ?? Infinity, expiry.at);
        }
      }
    }
    return next;
  }

  async function expiring({ withinMs, limit, signal }: Parameters<Tidy['expiring']>[0]) {
    await begin(signal);
    const compiled = rules.compiled();
    const until = now() + withinMs;
    let rows: ExpiringTag[] = [];
    let total = 0;
    for await (const repository of repositoriesFrom('', signal)) {
      if (!compiled.mayExpire(repository)) continue;
      for await (const page of recordsOf(repository, signal)) {
        const found = page.flatMap((record) => {
          const expiry = compiled.expiryOf(repository, record);
          if (expiry === undefined || expiry.at > until) return [];
          const { tag, digest } = record;
          return [
            { repository, tag, digest, expiresAt: new Date(expiry.at).toISOString(), rule: expiry.rule },
          ];
        });
        total += found.length;
        rows = [...rows, ...found].toSorted((a, b) => a.expiresAt.localeCompare(b.expiresAt)).slice(0, limit);
      }
    }
    return { rows, total };
  }

  async function removeAll(
    repository: string,
    page: readonly Judged[],
    {
      remover,
      compiled,
      total,
      signal,
    }: { remover: TagRemover; compiled: CompiledRules; total: Total; signal: AbortSignal },
  ): Promise<void> {
    const going = page.filter(({ decision }) => decision.decision === 'delete');
    for (let start = 0; start < going.length; start += batchTags) {
      signal.throwIfAborted();
      const batch = new Map(
        going.slice(start, start + batchTags).map((judged) => [judged.record.tag, judged]),
      );
      const actors = new Map<string | undefined, Actor>();
      const removals = [...batch.values()].map(({ record, decision: { rule } }) => {
        const actor = actors.get(rule) ?? { user: `rule ${rule ?? ''}`, requestId: 'rules' };
        actors.set(rule, actor);
        return { tag: record.tag as Tag, digest: record.digest as Digest, actor };
      });
      const removed = await remover.remove(removals, {
        isWanted: async ({ tag }) =>
          rules.compiled() === compiled && isStillWanted(repository, batch.get(tag)),
      });
      total.deletedTags += removed.tags.length;
      total.sparedTags += removals.length - removed.tags.length;
      total.manifests += removed.manifests;
      for (const tag of removed.tags) {
        const { record, decision } = batch.get(tag) ?? {};
        if (record === undefined || decision?.reason !== 'expired') continue;
        events.tagExpired({ repository, tag, digest: record.digest, rule: decision.rule ?? '' });
      }
    }
  }

  function isStillWanted(repository: string, judged: Judged | undefined): boolean {
    const record = judged === undefined ? undefined : index.tagRecord(repository, judged.record.tag);
    if (judged === undefined || record === undefined) return false;
    if (judged.decision.reason === 'expired') {
      const expiry = rules.compiled().expiryOf(repository, record);
      return expiry !== undefined && expiry.at <= now();
    }
    return record.pushedAt === judged.record.pushedAt && record.pulledAt === judged.record.pulledAt;
  }

  /** One after the other: two runs would judge what the other is about to delete. */
  async function alone<T>(act: () => Promise<T>): Promise<T> {
    const before = running;
    const mine = before.then(act, act);
    running = mine.catch(() => undefined);
    return await mine;
  }

  return {
    simulate,
    expiring,
    async outcome(rulesThen, { signal }) {
      await begin(signal);
      return await outcomeAt(rulesThen, now(), signal);
    },
    run: (options) => alone(() => run(options)),
    expire: (options) => alone(() => expire(options)),
  };
}

async function orAbort(ready: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new AppError('CANCELLED', { cause: signal.reason }));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([ready, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function rowOf(repository: string, { record, decision }: Judged): DecisionRow {
  const { tag, digest, bytes, pushedAt } = record;
  return { repository, tag, digest, ...decision, bytes, pushedAt: new Date(pushedAt).toISOString() };
}

const cursorForm = z.tuple([z.number(), z.string(), z.number(), z.string()]);
type Cursor = Pick<TagRecord, 'tag' | 'pushedAt'> & { readonly at: number; readonly repository: string };

function writeCursor(at: number, { repository, pushedAt, tag }: DecisionRow): string {
  return Buffer.from(JSON.stringify([at, repository, Date.parse(pushedAt), tag])).toString('base64url');
}

function readCursor(text: string): Cursor {
  try {
    const [at, repository, pushedAt, tag] = cursorForm.parse(
      JSON.parse(Buffer.from(text, 'base64url').toString('utf8')),
    );
    return { at, repository, pushedAt, tag };
  } catch (cause) {
    throw new AppError('PAGE_INVALID', {
      message: 'The page to go on from is not one of this simulation.',
      hint: 'Pass the `next` of the page before, or none for the first page.',
      cause,
    });
  }
}

/** True for what comes after the cursor: the newest push first, then by name. */
function isBehind({ pushedAt, tag }: TagRecord, cursor: Cursor): boolean {
  return pushedAt < cursor.pushedAt || (pushedAt === cursor.pushedAt && tag > cursor.tag);
}
