import { useLinkState } from '../../state/link.ts';

/** The user who is logged in to this window, while it is connected. */
export function useMe(): string | undefined {
  const state = useLinkState();
  return state.kind === 'open' ? state.user : undefined;
}
