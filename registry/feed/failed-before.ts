import type { AuditRow } from '../spec/audit.ts';

/** Which request had failed before a push, so that whoever sees the push finds what went wrong. */
export interface FailedBefore {
  /**
   * Takes lines in the order of writing. Answers, for a push that is done, the request of the same user and repository
   * that failed last, since the push before and within an hour; a login that failed counts wherever it was.
   */
  note(line: Omit<AuditRow, 'id'>): string | undefined;
}

const closeMs = 60 * 60_000;
const mostKept = 1000;

export function createFailedBefore(): FailedBefore {
  /** By user and repository; the oldest first. */
  const failures = new Map<string, { readonly at: number; readonly request: string }>();
  return {
    note({ at: time, kind, outcome, user = '', repository = '', requestId }) {
      const at = Date.parse(time);
      const keys = [`${user}\0${repository}`, `${user}\0`] as const;
      if (outcome === 'failed' && requestId !== undefined && requestId !== '') {
        failures.delete(keys[0]);
        failures.set(keys[0], { at, request: requestId });
        if (failures.size > mostKept) failures.delete([...failures.keys()][0] ?? '');
      }
      if (kind !== 'pushed' || outcome !== 'done') return undefined;
      const found = keys.flatMap((key) => failures.get(key) ?? []);
      for (const key of keys) failures.delete(key);
      return found.filter((failure) => at - failure.at < closeMs).toSorted((a, b) => b.at - a.at)[0]?.request;
    },
  };
}
