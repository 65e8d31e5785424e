import type { Reach } from './proxies.ts';

/** Where the client thinks that it is. */
export interface Origin {
  /** Scheme and authority. */
  readonly url: string;
  /** The authority without a port that the scheme implies. */
  readonly host: string;
}

/** Clients write one of few hosts: reading each of them as a URL once saves a hundredth of a small request. */
const known = new Map<string, Origin>();
const mostKnown = 100;

/** The origin of a request. The authority of a broken Host header never reaches a link. */
export function originOf({ scheme, authority }: Pick<Reach, 'scheme' | 'authority'>): Origin {
  const asked = `${scheme}://${authority}`;
  const found = known.get(asked);
  if (found !== undefined) return found;
  const url = URL.canParse(asked) ? asked : `${scheme}://localhost`;
  const origin = { url, host: new URL(url).host };
  // Strangers can write as many as they like.
  if (known.size >= mostKnown) known.clear();
  known.set(asked, origin);
  return origin;
}
