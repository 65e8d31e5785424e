import { createContext, use, useSyncExternalStore } from 'react';
import type { Link, LinkState } from '../api/link.ts';

export const LinkContext = createContext<Link | undefined>(undefined);

export function useLink(): Link {
  const link = use(LinkContext);
  if (link === undefined) throw new Error('outside of the window');
  return link;
}

export function useLinkState(): LinkState {
  const link = useLink();
  return useSyncExternalStore(link.subscribe, link.state);
}
