/** What a client calls itself in User-Agent, short enough for a list: `docker 28.2`, `podman 4.3`, `curl 8.5`. */

/** Clients that name themselves by their library. */
const aliases: Readonly<Record<string, string>> = {
  libpod: 'podman',
  mozilla: 'browser',
  'go-http-client': 'go program',
  containers: 'containers/image',
};

const longest = 40;

/**
 * Answers the first product of the header (RFC 9110 10.1.5), with its version up to the second number; `unknown` where
 * it has none. The result has only letters, digits and `._+-/ `.
 */
export function clientName(userAgent: string | undefined): string {
  const [, product = '', version = ''] =
    /^\s*([A-Za-z][\w.+-]*)(?:\/v?(\d+(?:\.\d+)?))?/.exec(userAgent ?? '') ?? [];
  if (product === '') return 'unknown';
  const name = product.toLowerCase();
  const known = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  // The version of a browser's first product, or of a library, is not that of the client.
  if (known !== undefined && known !== 'podman') return known;
  const shown = known ?? name;
  return `${shown}${version === '' ? '' : ` ${version}`}`.slice(0, longest);
}
