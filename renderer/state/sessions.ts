import { useEffect, useState } from 'react';
import type { SessionRow } from '../../registry/spec/admin/activity.ts';
import { checkRepository } from '../../registry/spec/names.ts';
import { useLinkState } from './link.ts';

/** Transfers as they run, and those that ended within a minute, the newest first; without those of the doctor's checks. */
export function useSessions(): readonly SessionRow[] {
  const state = useLinkState();
  const client = state.kind === 'open' ? state.client : undefined;
  const [rows, setRows] = useState<ReadonlyMap<number, SessionRow>>(new Map());
  useEffect(() => {
    if (client === undefined) return undefined;
    const ending = new AbortController();
    void (async () => {
      let isFirst = true;
      try {
        for await (const items of client.subscribe('sessions', {}, { signal: ending.signal })) {
          setRows((former) => {
            const kept = isFirst ? [] : [...former.values()].filter((row) => isRecent(row));
            isFirst = false;
            return new Map([...kept, ...items].map((row) => [row.id, row]));
          });
        }
      } catch {
        // The connection is gone; the banner says so.
      }
    })();
    return () => ending.abort();
  }, [client]);
  return [...rows.values()]
    .filter(({ repository }) => repository !== checkRepository)
    .toSorted((one, other) => other.id - one.id);
}

function isRecent({ state, lastAt }: SessionRow): boolean {
  return state === 'active' || Date.now() - Date.parse(lastAt) < 60_000;
}
