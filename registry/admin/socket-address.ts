/**
 * Where the control plane of a data directory listens.
 *
 *   berth/admin.sock    the socket, where the system can have one there; the mode of berth/ keeps others out
 *   berth/admin.json    otherwise: {address, secret} of a socket or pipe elsewhere. The first line of a client is
 *                       {"secret": ...}, which shows that it could read this file
 */
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../disk/private-file.ts';

export interface SocketAddress {
  readonly address: string;
  /** Present where the address is outside of the data directory. */
  readonly secret?: string;
}

/** The files in a data directory, by its real path. */
export function socketPaths(root: string): { readonly socket: string; readonly elsewhere: string } {
  return { socket: join(root, 'berth', 'admin.sock'), elsewhere: join(root, 'berth', 'admin.json') };
}

// sun_path less its NUL: 108 bytes on Linux, unix(7), 104 on macOS and the BSDs, unix(4).
const longestPath = process.platform === 'linux' ? 107 : 103;

/** The address outside of the data directory that this system needs; `undefined` where the one inside will do. */
export function elsewhereAddress(root: string, platform: string = process.platform): string | undefined {
  const owner = process.getuid?.() ?? '';
  const name = createHash('sha256').update(`${owner} ${root}`).digest('hex').slice(0, 16);
  if (platform === 'win32') return `\\\\.\\pipe\\berth-${name}`;
  if (Buffer.byteLength(socketPaths(root).socket) <= longestPath) return undefined;
  return join(tmpdir(), `berth-${name}`, 'admin.sock');
}

/** Answers where clients of a data directory connect, whether anyone listens or not. Throws errors of the system. */
export async function findSocketAddress(root: string): Promise<SocketAddress> {
  const { socket, elsewhere } = socketPaths(await realpath(root));
  try {
    const value: unknown = JSON.parse(await readFile(elsewhere, 'utf8'));
    return isAddress(value) ? value : { address: socket };
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return { address: socket };
    throw error;
  }
}

function isAddress(value: unknown): value is SocketAddress {
  return (
    typeof value === 'object' &&
    value !== null &&
    'address' in value &&
    typeof value.address === 'string' &&
    'secret' in value &&
    typeof value.secret === 'string'
  );
}
