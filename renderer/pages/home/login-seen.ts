import type { UserRow } from '../../../registry/spec/admin/access.ts';
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { clientName } from '../../../registry/spec/client-name.ts';
import { useCall } from '../../state/calls.ts';
import { useSessions } from '../../state/sessions.ts';

/** Who was let in with what, as far as the registry remembers. */
export interface Login {
  readonly user: string;
  readonly client: string;
}

/** The last login from a client of images: looking at this page, and the command line, are none. */
export function findLogin(users: readonly UserRow[], sessions: readonly SessionRow[]): Login | undefined {
  const now = sessions.find(({ user, client }) => user !== '' && isNamed(client));
  if (now !== undefined) return { user: now.user, client: now.client };
  const [last] = users
    .flatMap(({ name, lastUse }) => (lastUse === undefined ? [] : [{ name, ...lastUse }]))
    .filter(({ client }) => isNamed(clientName(client)))
    .toSorted((a, b) => b.at.localeCompare(a.at));
  return last === undefined ? undefined : { user: last.name, client: clientName(last.client) };
}

/** True for a client that is neither a window, nor a program of Berth's own, nor nameless. */
function isNamed(client: string): boolean {
  return !/^(?:browser|berth\b|unknown)/.test(client);
}

const everyMs = 2000;

/** The last login; `undefined` while nobody knows, `none` where there was none. `isLive`: no event tells of a login. */
export function useLogin(isLive: boolean): Login | 'none' | undefined {
  const sessions = useSessions();
  const { data } = useCall('users.list', { limit: 1000 }, isLive ? { everyMs } : {});
  const found = findLogin(data?.rows ?? [], sessions);
  return found ?? (data === undefined ? undefined : 'none');
}

/** Which programs of engines have logged in, ever; `undefined` while nobody knows. */
export function useProgramsSeen(): ReadonlySet<string> | undefined {
  const sessions = useSessions();
  const { data } = useCall('access.programs', {});
  if (data === undefined) return undefined;
  const now = sessions.flatMap(({ user, client }) => (user === '' ? [] : client.split(' ').slice(0, 1)));
  return new Set([...data.map(({ name }) => name), ...now]);
}
