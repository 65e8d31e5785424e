/**
 * Quotas, judged from the index. What is being stored counts as well: the digests of all pushes under way together with
 * those of a new one are looked up at once, so that two pushes at a time cannot pass beyond a limit together, and a
 * layer that they share counts once. Tags that are set and restores are judged as pushes are. While the index cannot be
 * asked there is always room, and while it is built from nothing what it has not read yet does not count: pushes go on, and
 * one line in the log says so.
 */
import type { Index } from '../derived/index-db.ts';
import type { Room } from '../derived/tidy-queries.ts';
import { compileGlobs } from '../spec/globs.ts';
import type { Quota, QuotaRow, RuleSet } from '../spec/admin/rules.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { Admit, Arrival } from '../store/admission.ts';

export interface Quotas {
  readonly admit: Admit;
  /** Throws QUOTA_EXCEEDED where a quota of the repository has no byte left. */
  checkStart(repository: string): void;
  rows(): readonly QuotaRow[];
}

interface Scope {
  readonly quota: Quota;
  readonly prefix: string;
  readonly matches: (repository: string) => boolean;
  /** What is being stored. */
  readonly arrivals: Set<Arrival>;
}

/** From this part of a limit on a push is told. */
const warnAt = 0.9;

export function createQuotas({
  rules,
  index,
  log,
}: {
  readonly rules: () => RuleSet;
  readonly index: Pick<Index, 'room' | 'tagRecord' | 'isPartial'>;
  readonly log: Log;
}): Quotas {
  let isTold = false;
  let scoped: { readonly of: readonly Quota[]; readonly scopes: readonly Scope[] } | undefined;

  function scopes(): readonly Scope[] {
    const { quotas } = rules();
    if (scoped?.of !== quotas) {
      const former = scoped?.scopes ?? [];
      scoped = { of: quotas, scopes: quotas.map((quota) => openScope(quota, former)) };
    }
    return scoped.scopes;
  }

  function scopesOf(repository: string): readonly Scope[] {
    return scopes().filter(({ matches }) => matches(repository));
  }

  function tellIfPartial(): void {
    if (index.isPartial && !isTold) {
      log.warn('quotasOpen', 'quotas may be exceeded until the index has read the whole disk', {
        hint: 'berth du shows the quotas',
      });
    }
    isTold = index.isPartial;
  }

  function roomOf(scope: Scope): Room | undefined {
    try {
      return index.room(scope);
    } catch (error) {
      if (isAppError(error, 'UNAVAILABLE')) return undefined;
      throw error;
    }
  }

  function judge(scope: Scope, arrival: Arrival): readonly string[] {
    const room = roomOf(scope);
    if (room === undefined) return [];
    const { quota, arrivals } = scope;
    const all = [...arrivals, arrival];
    judgeTags(quota, room, { arrivals: all, by: arrival.by });
    const said = all.flatMap(({ uses }) => uses).reduce((sum, { size }) => sum + size, 0);
    if (room.atMostBytes + said < warnAt * quota.bytes) return [];
    const own = room.newBytes(arrival.uses);
    const used = room.usedBytes();
    const after = used + room.newBytes(all.flatMap(({ uses }) => uses));
    // What adds nothing, a new tag for an image that is there, is no matter of bytes.
    if (own > 0 && after > quota.bytes) {
      throw exceeded(
        quota,
        `${describe(quota)} may take ${inUnits(quota.bytes)} and takes ${inUnits(used)}; this ${arrival.by} needs ${inUnits(own)} more.`,
      );
    }
    return after < warnAt * quota.bytes
      ? []
      : [`the quota ${quota.id} is nearly full: ${inUnits(after)} of ${inUnits(quota.bytes)} are used`];
  }

  function judgeTags(
    quota: Quota,
    room: Room,
    { arrivals, by }: { readonly arrivals: readonly Arrival[]; readonly by: Arrival['by'] },
  ): void {
    if (quota.tags === undefined) return;
    const fresh = arrivals.map(
      ({ repository, tags }) => tags.filter((tag) => index.tagRecord(repository, tag) === undefined).length,
    );
    const own = fresh.at(-1) ?? 0;
    const after = room.tags + fresh.reduce((sum, each) => sum + each, 0);
    if (own === 0 || after <= quota.tags) return;
    throw exceeded(
      quota,
      `${describe(quota)} may have ${quota.tags} tags and has ${room.tags}; this ${by} adds ${own}.`,
    );
  }

  return {
    admit(arrival) {
      const concerned = scopesOf(arrival.repository);
      if (concerned.length > 0) tellIfPartial();
      const warnings = concerned.flatMap((scope) => judge(scope, arrival));
      for (const { arrivals } of concerned) arrivals.add(arrival);
      return {
        warnings,
        [Symbol.dispose]() {
          for (const { arrivals } of concerned) arrivals.delete(arrival);
        },
      };
    },
    checkStart(repository) {
      for (const scope of scopesOf(repository)) {
        const { quota } = scope;
        const room = roomOf(scope);
        if (room === undefined || room.atMostBytes < quota.bytes) continue;
        const used = room.usedBytes();
        if (used < quota.bytes) continue;
        throw exceeded(
          quota,
          `${describe(quota)} may take ${inUnits(quota.bytes)} and takes ${inUnits(used)}.`,
        );
      }
    },
    rows: () =>
      scopes().map((scope) => {
        const room = index.room(scope);
        const { id, repositories, bytes, tags } = scope.quota;
        return {
          id,
          repositories,
          usedBytes: room.usedBytes(),
          limitBytes: bytes,
          usedTags: room.tags,
          ...(tags === undefined ? {} : { limitTags: tags }),
        };
      }),
  };
}

/** What is under way stays with a quota whose limit is changed. */
function openScope(quota: Quota, former: readonly Scope[]): Scope {
  const same = former.find(
    (scope) => scope.quota.id === quota.id && scope.quota.repositories === quota.repositories,
  );
  const [prefix = ''] = quota.repositories.split('*', 1);
  return {
    quota,
    prefix,
    matches: compileGlobs([quota.repositories]),
    arrivals: same?.arrivals ?? new Set(),
  };
}

function describe({ id, repositories }: Quota): string {
  return `The quota ${id} is used up: ${repositories}`;
}

function exceeded(quota: Quota, sentence: string): AppError {
  return new AppError('QUOTA_EXCEEDED', {
    message: `${sentence} Make room with berth rm; berth du shows what takes it.`,
    detail: { quota: quota.id },
  });
}

/** Bytes as docker prints them. */
function inUnits(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** unit).toPrecision(3))}${units[unit] ?? ''}`;
}
