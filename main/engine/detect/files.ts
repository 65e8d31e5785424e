/** Reads what may be there and may be closed to this user. What the system refuses counts as absent. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { systemCode } from '../../../registry/disk/private-file.ts';
import type { Host } from '../host.ts';
import { parseJson } from './json.ts';

/** The text of a file; `undefined` if there is none, or none that this user may read. */
export async function readText(path: string): Promise<string | undefined> {
  return await unlessRefused(readFile(path, 'utf8'));
}

/** The value of a JSON file; `undefined` if there is none that can be read, or it holds no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  return text === undefined ? undefined : parseJson(text);
}

/** The names in a folder, sorted; `undefined` if there is no such folder, or none that this user may list. */
export async function listFolder(path: string): Promise<readonly string[] | undefined> {
  const names = await unlessRefused(readdir(path));
  return names?.toSorted();
}

/** True if something has this name. */
export async function isThere(path: string): Promise<boolean> {
  return (await unlessRefused(stat(path))) !== undefined;
}

/**
 * What a unix socket is good for, without a connection to it: that would start a service that systemd holds back until
 * then. `listening` is known from the table of the kernel (proc_pid_net(5), unix); without a table a socket counts so.
 */
export async function socketState(host: Host, path: string): Promise<'listening' | 'stale' | 'absent'> {
  const file = await unlessRefused(stat(host.systemPath(path)));
  if (file === undefined) return 'absent';
  const table = await readText(host.systemPath('/proc/net/unix'));
  if (table === undefined) return 'listening';
  // A daemon may have bound /var/run/x.sock, which is /run/x.sock.
  const bound = table
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf(' ') + 1).replace(/^\/var\/run\//, '/run/'));
  return bound.includes(path.replace(/^\/var\/run\//, '/run/')) ? 'listening' : 'stale';
}

/** True inside of WSL2, whose kernel Microsoft builds. */
export async function isWsl(host: Host): Promise<boolean> {
  return /microsoft/i.test((await readText(host.systemPath('/proc/version'))) ?? '');
}

async function unlessRefused<T>(wanted: Promise<T>): Promise<T | undefined> {
  try {
    return await wanted;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
