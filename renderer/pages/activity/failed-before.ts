import type { AuditRow } from '../../../registry/spec/audit.ts';

/** A line of the audit; of a push, with the request that had failed before it. */
export interface ToldRow extends AuditRow {
  readonly failedRequest?: string;
}

const closeMs = 60 * 60_000;

/** Finds, for each push, what of the same user and repository failed last, since the push before and within an hour. */
export function withFailures(rows: readonly AuditRow[]): readonly ToldRow[] {
  const failures = new Map<string, { readonly at: number; readonly request: string }>();
  // The newest stands first.
  return rows
    .toReversed()
    .map((row) => {
      const { kind, outcome, user = '', repository = '', requestId } = row;
      const at = Date.parse(row.at);
      const keys = [`${user} ${repository}`, `${user} `];
      if (outcome === 'failed' && requestId !== undefined)
        failures.set(keys[0] ?? '', { at, request: requestId });
      if (kind !== 'pushed' || outcome !== 'done') return row;
      const [last] = keys
        .flatMap((key) => failures.get(key) ?? [])
        .filter((failure) => at - failure.at < closeMs)
        .toSorted((one, other) => other.at - one.at);
      for (const key of keys) failures.delete(key);
      return last === undefined ? row : { ...row, failedRequest: last.request };
    })
    .toReversed();
}
