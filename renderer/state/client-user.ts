import { useCall } from './calls.ts';
import { useLinkState } from './link.ts';
import { useShell } from './shell.ts';

/** Who clients log in as: the reader, or in the desktop, where nobody logs in, the first administrator. */
export function useClientUser(): string {
  const state = useLinkState();
  const isDesktop = useShell() !== undefined;
  const { data } = useCall('users.list', { limit: 1000 }, { isWanted: isDesktop });
  if (!isDesktop && state.kind === 'open') return state.user;
  return data?.rows.find(({ role, state: now }) => role === 'admin' && now === 'active')?.name ?? 'dev';
}
