import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { closeDialogs, DialogHost } from '../parts/dialog.tsx';
import { Skeleton } from '../parts/states.tsx';
import { clearToasts, ToastHost } from '../parts/toast.tsx';
import { useFeed } from '../state/feed.ts';
import { useLinkState } from '../state/link.ts';
import { Frame } from './frame.tsx';
import { Login } from './login.tsx';

/** The whole window: the login, or the frame around the screens. */
export function App() {
  const state = useLinkState();
  const queries = useQueryClient();
  useFeed(state);
  const isSignedOut = state.kind === 'signedOut';
  useEffect(() => {
    // What one user has seen is not for the next.
    if (!isSignedOut) return;
    queries.clear();
    closeDialogs();
    clearToasts();
  }, [isSignedOut, queries]);
  if (state.kind === 'starting') return <Skeleton rows={6} />;
  if (state.kind === 'signedOut') return <Login wasSignedIn={state.wasSignedIn} />;
  return (
    <>
      <Frame />
      <DialogHost />
      <ToastHost />
    </>
  );
}
