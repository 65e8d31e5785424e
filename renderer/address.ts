/** True for names and addresses of this computer itself. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** True where the page is read on the registry's computer: in the desktop, or at an address of this computer itself. */
export function isHere(): boolean {
  return 'berthShell' in globalThis || isLoopback(location.hostname);
}

/**
 * HOST:PORT as somebody writes it in image names who reads the page there: on the registry's computer what the registry
 * says, elsewhere what the page was reached by. Empty while the desktop does not know it: its page has a name of its own.
 */
export function addressFor(urls: readonly string[] | undefined, page: { readonly host: string }): string {
  if (!isHere()) return page.host;
  const [url] = urls ?? [];
  if (url === undefined || !URL.canParse(url)) return 'berthShell' in globalThis ? '' : page.host;
  const { host, hostname, port } = new URL(url);
  return isLoopback(hostname) ? `localhost:${port}` : host;
}
