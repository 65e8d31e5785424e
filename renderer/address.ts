/** True for names and addresses of this computer itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/**
 * HOST:PORT as somebody writes it in image names who reads the page there: on the registry's computer what the registry
 * says, elsewhere what the page was reached by. The page of the desktop has no such host.
 */
export function addressFor(
  urls: readonly string[] | undefined,
  page: { readonly protocol: string; readonly host: string; readonly hostname: string },
): string {
  if (/^https?:$/.test(page.protocol) && !isLoopback(page.hostname)) return page.host;
  const [url] = urls ?? [];
  if (url === undefined || !URL.canParse(url)) return page.host;
  const { host, hostname, port } = new URL(url);
  return isLoopback(hostname) ? `localhost:${port}` : host;
}
