import { readFileSync } from 'node:fs';

/** The version of Berth, from package.json; a bundle replaces this module by the text itself. */
export const version: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
