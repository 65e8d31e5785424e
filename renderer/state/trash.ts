import { useCallback } from 'react';
import { useAsk } from './calls.ts';

/** Puts entries of the trash back, one after the other. */
export function useRestore(): (ids: readonly string[]) => Promise<void> {
  const ask = useAsk();
  return useCallback(
    async (ids) => {
      for (const id of ids) await ask('trash.restore', { id });
    },
    [ask],
  );
}
