/** Looks whether an engine trusts the authority already. */
import { X509Certificate } from 'node:crypto';
import type { Host } from '../host.ts';
import { pathOf, registryFolder } from './certs-folders.ts';
import { listFolder, readText } from './files.ts';

/**
 * Answers the file that makes an engine trust the authority at the address, `undefined` if there is none. Of the folders
 * (each holds a folder for each registry) the first with one for this registry counts, as the engines have it. Files
 * that this user cannot read do not count: where the engine runs as this user, it cannot either.
 */
export async function findTrust(
  host: Host,
  folders: readonly string[],
  address: string,
  authority: string,
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = pathOf(host).join(folder, registryFolder(address, host));
    const names = await listFolder(path);
    if (names === undefined) continue;
    return await findCertificate(
      // Go compares the suffix letter by letter: neither ca.pem nor ca.CRT is read.
      names.filter((name) => name.endsWith('.crt')).map((name) => pathOf(host).join(path, name)),
      authority,
    );
  }
  return undefined;
}

/** The first of these files that holds the authority's certificate. */
export async function findCertificate(
  files: readonly string[],
  authority: string,
): Promise<string | undefined> {
  for (const file of files) {
    const text = await readText(file);
    if (text !== undefined && holdsCertificate(text, authority)) return file;
  }
  return undefined;
}

/** True if one of the certificates in the text is the authority, compared as certificates, not as text. */
export function holdsCertificate(text: string, authority: string): boolean {
  const wanted = new X509Certificate(authority).raw;
  return blocksIn(text).some((block) => {
    try {
      return new X509Certificate(block).raw.equals(wanted);
    } catch (error) {
      // Engines pass over a block that is no certificate.
      if (error instanceof Error) return false;
      throw error;
    }
  });
}

/** The blocks of a PEM file. As in Go a block starts at the start of a line: not after a byte order mark. */
function blocksIn(text: string): readonly string[] {
  return text.match(/^-----BEGIN CERTIFICATE-----[\s\S]*?^-----END CERTIFICATE-----/gm) ?? [];
}
