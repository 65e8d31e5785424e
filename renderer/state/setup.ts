import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import type { SetupFacts } from '../../main/contract/setup.ts';
import { setPreferences, usePreferences } from './preferences.ts';
import { shellKey, useShell, useShellCall } from './shell.ts';

export interface Setup {
  /** Done, or put away; true while nobody knows. The first push does not change it for who looks on. */
  readonly isSetUp: boolean;
  readonly setSetUp: (isSetUp: boolean) => Promise<void>;
}

/** Whether the set-up is shown by itself: the tray of the desktop wants to know it, too, so that the shell keeps it there. */
export function useSetup(): Setup {
  const shell = useShell();
  const queries = useQueryClient();
  const { isSetupDismissed } = usePreferences();
  const { data } = useShellCall('setup.get', {}, { isFresh: true });
  const setSetUp = useCallback(
    async (isSetUp: boolean) => {
      if (shell === undefined) return setPreferences({ isSetupDismissed: isSetUp });
      await shell.call('setup.set', { isSetUp });
      queries.setQueryData(
        [...shellKey('setup.get'), {}],
        (facts: SetupFacts | undefined) => facts && { ...facts, isSetUp },
      );
    },
    [shell, queries],
  );
  return { isSetUp: shell === undefined ? isSetupDismissed : (data?.isSetUp ?? true), setSetUp };
}
