import { useEffect, useState } from 'react';
import type { Client } from '../../registry/spec/rpc.ts';
import { createErrorCount } from './error-count.ts';
import { useLinkState } from './link.ts';
import { preferences, setPreferences } from './preferences.ts';
import { useVisible } from './visible.ts';

/** How many errors the log has had since it was looked at last; as far back as the registry keeps it at hand. */
export function useNewErrors(isLooking: boolean): number {
  const state = useLinkState();
  const isVisible = useVisible();
  const [count, setCount] = useState(0);
  const client = state.kind === 'open' && isVisible ? state.client : undefined;
  useEffect(() => {
    if (client === undefined) return undefined;
    const ending = new AbortController();
    void follow(client, ending.signal, (errors, lastAt) => {
      // By the clock of the registry: that of the reader may be another.
      if (isLooking) setPreferences({ logSeenAt: Math.max(lastAt, preferences().logSeenAt) });
      else setCount((former) => former + errors);
    });
    return () => {
      ending.abort();
      setCount(0);
    };
  }, [client, isLooking]);
  return isLooking ? 0 : count;
}

async function follow(
  client: Client,
  signal: AbortSignal,
  found: (errors: number, lastAt: number) => void,
): Promise<void> {
  const count = createErrorCount();
  const since = new Date(preferences().logSeenAt + 1).toISOString();
  try {
    for await (const items of client.subscribe('logs', { level: 'error', since }, { signal })) {
      const lastAt = items.findLast((item) => 'event' in item)?.at ?? 0;
      found(count(items), lastAt);
    }
  } catch {
    // The connection is gone; the banner says so.
  }
}
