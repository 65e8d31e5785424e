/** The URL of a listener as a person of its machine writes it: `localhost` for loopback and for all interfaces. */
export function localUrl(url: string): string {
  return url.replace(/^(https?:\/\/)(?:127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])(?=[:/]|$)/, '$1localhost');
}
