import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { LinkState } from '../api/link.ts';
import { closeDialogs, DialogHost } from '../parts/dialog.tsx';
import { Skeleton } from '../parts/states.tsx';
import { clearToasts, ToastHost } from '../parts/toast.tsx';
import { useFeed } from '../state/feed.ts';
import { useLink } from '../state/link.ts';
import { usePreferences } from '../state/preferences.ts';
import { useShell } from '../state/shell.ts';
import { Frame } from './frame.tsx';
import { Login } from './login.tsx';

/** The whole window: the login, or the frame around the screens. */
export function App() {
  const link = useLink();
  const queries = useQueryClient();
  const shown = useSyncExternalStore(link.subscribe, () => shownIn(link.state()));
  useFeed();
  const shell = useShell();
  const { theme, mutedEngines } = usePreferences();
  useEffect(() => {
    // What the system draws around the page shall look like it, and the tray ask for no more than it; where that fails, they
    // are as if nobody had said anything.
    shell?.call('preferences.set', { change: { theme, mutedEngines } }).catch(() => undefined);
  }, [shell, theme, mutedEngines]);
  const isSignedOut = shown === 'login' || shown === 'loginAgain';
  useEffect(() => {
    // What one user has seen is not for the next.
    if (!isSignedOut) return;
    queries.clear();
    closeDialogs();
    clearToasts();
  }, [isSignedOut, queries]);
  if (shown === 'nothing') return <Skeleton rows={6} />;
  if (isSignedOut) return <Login wasSignedIn={shown === 'loginAgain'} />;
  return (
    <>
      <Frame />
      <DialogHost />
      <ToastHost />
    </>
  );
}

/** The frame stays as it is while the connection comes and goes. */
function shownIn(state: LinkState): 'nothing' | 'login' | 'loginAgain' | 'frame' {
  if (state.kind === 'signedOut') return state.wasSignedIn ? 'loginAgain' : 'login';
  return state.kind === 'starting' && !state.isSignedIn ? 'nothing' : 'frame';
}
