import { readHost } from './hosts.ts';
import type { Reach } from './proxies.ts';

/** Where the client thinks that it is. */
export interface Origin {
  /** Scheme and authority. */
  readonly url: string;
  /** The authority without a port that the scheme implies. */
  readonly host: string;
  /** The host alone, in lower case; `undefined` where the client wrote no host. */
  readonly name: string | undefined;
}

/** Clients write one of few hosts, so each is read once. */
const known = new Map<string, Origin>();
const mostKnown = 100;

/** The origin of a request. The authority of a broken Host header never reaches a link. */
export function originOf({ scheme, authority }: Pick<Reach, 'scheme' | 'authority'>): Origin {
  const asked = `${scheme}://${authority}`;
  const found = known.get(asked);
  if (found !== undefined) return found;
  const url = URL.canParse(asked) ? asked : `${scheme}://localhost`;
  const origin = { url, host: new URL(url).host, name: readHost(authority) };
  // Strangers can write as many as they like.
  if (known.size >= mostKnown) known.clear();
  known.set(asked, origin);
  return origin;
}
