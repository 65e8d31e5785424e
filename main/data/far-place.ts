/** Whether a directory is on a disk of this computer, where locks and fsync mean what they say. */
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

export type FarPlace =
  /** On another computer; `by` is the protocol, where the system names one that is known here. */
  | { readonly kind: 'network'; readonly by?: string }
  /** A program (FUSE) answers for the files, from wherever it has them. */
  | { readonly kind: 'program' };

export interface Place {
  /** A directory that is there, without symbolic links. */
  readonly path: string;
  /** statfs(2), "f_type". */
  readonly type: number;
  readonly platform: NodeJS.Platform;
  /** What mount(8) prints; on macOS alone. */
  readonly mounts: string;
}

/** statfs(2), "f_type": file systems whose files are on another computer, whatever is in between. */
const networks: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe53_4d42, 'SMB'],
  [0xff53_4d42, 'SMB'],
  [0x0102_1997, '9P'],
  [0x5346_414f, 'AFS'],
  [0x6b41_4653, 'AFS'],
  [0x00c3_6400, 'Ceph'],
  [0x0bd0_0bd0, 'Lustre'],
]);
const fuse = 0x6573_5546;

/** The names that mount(8) of macOS has for them. */
const namesOfMac: ReadonlyMap<string, string> = new Map([
  ['nfs', 'NFS'],
  ['smbfs', 'SMB'],
  ['afpfs', 'AFP'],
  ['webdav', 'WebDAV'],
  ['ftp', 'FTP'],
]);

/** Looks where a directory is. What the system does not tell counts as near. */
export async function findFarPlace(path: string, type: number): Promise<FarPlace | undefined> {
  const { platform } = process;
  const mounts = platform === 'darwin' ? await listMounts() : '';
  return farPlaceOf({ path: await realpath(path), type, platform, mounts });
}

export function farPlaceOf({ path, type, platform, mounts }: Place): FarPlace | undefined {
  if (platform === 'darwin') return farPlaceOfMac(path, mounts);
  if (platform === 'win32' && path.startsWith(String.raw`\\`)) return { kind: 'network', by: 'SMB' };
  if (platform === 'linux') {
    const by = networks.get(type);
    if (by !== undefined) return { kind: 'network', by };
    if (type === fuse) return { kind: 'program' };
  }
  return undefined;
}

/**
 * macOS numbers its file systems as they are loaded, so that `type` means nothing there. mount(8) says `local` of those whose
 * files are here (statfs(2), MNT_LOCAL):
 *
 *     //anna@nas/share on /Volumes/share (smbfs, nodev, nosuid, mounted by anna)
 */
function farPlaceOfMac(path: string, mounts: string): FarPlace | undefined {
  // What was mounted later comes later, and covers what was there.
  const mounted = [...mounts.matchAll(/^.+? on (\/.*) \(([^()]+)\)$/gm)]
    .map(([, point = '', facts = '']) => ({ point, facts: facts.split(', ') }))
    .findLast(({ point }) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`));
  if (mounted === undefined) return undefined;
  const [name = '', ...flags] = mounted.facts;
  if (/fuse/.test(name)) return { kind: 'program' };
  if (flags.includes('local')) return undefined;
  const by = namesOfMac.get(name);
  return by === undefined ? { kind: 'network' } : { kind: 'network', by };
}

/** A server that does not answer may hold it up, and the dialog with it: no answer is an empty one. */
async function listMounts(): Promise<string> {
  const { stdout } = await promisify(execFile)('/sbin/mount', { timeout: 5000 }).catch(() => ({
    stdout: '',
  }));
  return stdout;
}
