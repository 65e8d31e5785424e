/** What of the audit is wanted, kept in the address. */
import { useMemo, useState } from 'react';
import { type AuditKind, auditKinds } from '../../../registry/spec/audit.ts';
import { checkRepository, parseRepoName } from '../../../registry/spec/names.ts';
import { useParam } from '../../route.ts';
import type { AuditArguments } from './command.ts';

export const times = [
  { id: 'any', label: 'Any time', ms: undefined },
  { id: '1h', label: 'Last hour', ms: 60 * 60_000 },
  { id: '24h', label: 'Last 24 hours', ms: 24 * 60 * 60_000 },
  { id: '7d', label: 'Last 7 days', ms: 7 * 24 * 60 * 60_000 },
  { id: '30d', label: 'Last 30 days', ms: 30 * 24 * 60 * 60_000 },
  { id: 'custom', label: 'From … to …', ms: undefined },
] as const;

export interface FilterTexts {
  readonly q: string;
  readonly kind: string;
  readonly user: string;
  readonly repository: string;
  readonly time: string;
  /** As a person writes them; for `custom` alone. */
  readonly from: string;
  readonly to: string;
  /** `shown`, or empty: what the doctor has done is hidden. */
  readonly checks: string;
}

export interface ReadFilter {
  readonly args: AuditArguments;
  /** What cannot be understood, by field. */
  readonly problems: Partial<Record<'repository' | 'from' | 'to', string>>;
}

/** Makes the arguments of what stands in the fields. `now` is in milliseconds since the epoch. */
export function readFilter(
  { q, kind, user, repository, time, from, to, checks }: FilterTexts,
  now: number,
): ReadFilter {
  const problems: ReadFilter['problems'] = {
    ...(repository !== '' && parseRepoName(repository) === undefined
      ? { repository: 'This is no name of a repository.' }
      : {}),
    ...(time === 'custom' ? { ...timeProblem('from', from), ...timeProblem('to', to) } : {}),
  };
  const ms = times.find(({ id }) => id === time)?.ms;
  const since = time === 'custom' ? readTime(from) : ms === undefined ? undefined : now - ms;
  const until = time === 'custom' ? readTime(to, { isEnd: true }) : undefined;
  return {
    args: {
      ...(isKind(kind) ? { kind } : {}),
      ...(user === '' ? {} : { user }),
      ...(repository === '' || problems.repository !== undefined ? {} : { repository }),
      ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
      ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
      ...(q === '' ? {} : { q }),
      ...(checks === '' && repository !== checkRepository ? { withoutChecks: true } : {}),
    },
    problems,
  };
}

function isKind(text: string): text is AuditKind {
  return auditKinds.some((kind) => kind === text);
}

/** `2026-03-01` or `2026-03-01 14:05`, in the time zone of the reader; an end of a day or minute is its last moment. */
function readTime(text: string, { isEnd = false }: { readonly isEnd?: boolean } = {}): number | undefined {
  const [, year, month, day, hour, minute] =
    /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?\s*$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const isDay = hour === undefined;
  const date = new Date(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0));
  if (date.getMonth() !== Number(month) - 1 || date.getDate() !== Number(day)) return undefined;
  if (!isEnd) return date.getTime();
  if (isDay) date.setDate(date.getDate() + 1);
  else date.setMinutes(date.getMinutes() + 1);
  return date.getTime() - 1;
}

function timeProblem(field: 'from' | 'to', text: string): ReadFilter['problems'] {
  if (text === '' || readTime(text) !== undefined) return {};
  return { [field]: 'Write 2026-03-01, or 2026-03-01 14:05.' };
}

export interface AuditFilterState extends ReadFilter {
  readonly texts: FilterTexts;
  readonly set: Readonly<Record<keyof FilterTexts, (value: string) => void>>;
  readonly isFiltered: boolean;
  readonly clear: () => void;
}

/** The filter of the screen, from the parameters of the address. */
export function useAuditFilter(): AuditFilterState {
  const [q, setQ] = useParam('q');
  const [kind, setKind] = useParam('kind');
  const [user, setUser] = useParam('user');
  const [repository, setRepository] = useParam('repository');
  const [time, setTime] = useParam('time', 'any');
  const [from, setFrom] = useParam('from');
  const [to, setTo] = useParam('to');
  const [checks, setChecks] = useParam('checks');
  // "The last hour" ends where it was chosen: a list whose start moves on is asked for anew all the time.
  const [chosenAt, setChosenAt] = useState(Date.now);
  const read = useMemo(
    () => readFilter({ q, kind, user, repository, time, from, to, checks }, chosenAt),
    [q, kind, user, repository, time, from, to, checks, chosenAt],
  );
  const set = {
    q: setQ,
    kind: setKind,
    user: setUser,
    repository: setRepository,
    time(value: string) {
      setChosenAt(Date.now());
      setTime(value);
    },
    from: setFrom,
    to: setTo,
    checks: setChecks,
  };
  return {
    ...read,
    texts: { q, kind, user, repository, time, from, to, checks },
    set,
    isFiltered: [q, kind, user, repository].some((text) => text !== '') || time !== 'any',
    clear() {
      for (const each of [setQ, setKind, setUser, setRepository, setFrom, setTo]) each('');
      setTime('any');
    },
  };
}
