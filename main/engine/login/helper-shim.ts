/**
 * Whether clients find docker-credential-berth, and the small script on PATH that makes them find it. They look for it
 * on their own PATH, by name, https://pkg.go.dev/os/exec#LookPath.
 */
import { readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { systemCode } from '../../../registry/disk/private-file.ts';
import { type Change, sha256 } from '../change.ts';
import { openPlace } from '../changes/places.ts';
import type { Host } from '../host.ts';
import { shellWord } from '../shell.ts';
import { helperProgram } from './helper-protocol.ts';

/** Whether clients can run the helper: after the change, or with nothing to change, or not, and why. */
export type HelperReach =
  | { readonly kind: 'reachable'; readonly shim: Change | undefined }
  | { readonly kind: 'unreachable'; readonly why: string };

export interface ShimRequest {
  readonly address: string;
  /** What the script runs: the absolute path of a program and its first arguments; `undefined` if none stays where it is. */
  readonly helperCommand: readonly string[] | undefined;
}

/** Looks for the helper on PATH, or else for a folder on PATH where this user may put it. */
export async function findHelper(host: Host, request: ShimRequest): Promise<HelperReach> {
  const folders = pathFolders(host);
  const found = await host.find(helperProgram);
  // host.find looks into more folders than PATH has.
  if (found !== undefined && folders.includes(dirname(found))) return await judge(host, found, request);
  // A script needs a shell; npm installs a .cmd file there.
  if (host.platform === 'win32') return { kind: 'unreachable', why: `${helperProgram} is not on the PATH` };
  const { helperCommand } = request;
  if (helperCommand === undefined) return { kind: 'unreachable', why: `${helperProgram} is not on the PATH` };
  for (const folder of candidates(host)) {
    if (!folders.includes(folder) || !(await isOwn(host, folder))) continue;
    const shim = await planShim(host, join(folder, helperProgram), { ...request, helperCommand });
    // A file that cannot be run is of others.
    if (shim.before === undefined) return { kind: 'reachable', shim };
  }
  const names = candidates(host).join(' or ');
  return { kind: 'unreachable', why: `neither is it on the PATH nor a folder of yours, such as ${names}` };
}

const shimComment =
  '# Lets Docker, Podman and others find the credential helper of Berth. Made by berth login.';

/** A program of that name on PATH: good, or a script of ours whose target is gone, or in the way. */
async function judge(host: Host, path: string, request: ShimRequest): Promise<HelperReach> {
  if (host.platform === 'win32' || (await isWorking(host))) return { kind: 'reachable', shim: undefined };
  const isOurs = (await readFile(path, 'utf8')).split('\n')[1] === shimComment;
  const { helperCommand } = request;
  if (isOurs && helperCommand !== undefined && (await isOwn(host, dirname(path)))) {
    const shim = await planShim(host, path, { ...request, helperCommand });
    if (shim.before !== sha256(Buffer.from(shim.after, 'base64'))) return { kind: 'reachable', shim };
  }
  return { kind: 'unreachable', why: `${path} does not work` };
}

async function isWorking(host: Host): Promise<boolean> {
  try {
    const result = await host.run(helperProgram, ['version'], { timeoutMs: 10_000 });
    return result?.code === 0 && result.stdout.startsWith(`${helperProgram} `);
  } catch (error) {
    // It is no program, or its interpreter is gone.
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

function pathFolders({ env }: Host): readonly string[] {
  const path = env['PATH'] ?? env['Path'] ?? '';
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => resolve(folder));
}

function candidates({ uid, home }: Host): readonly string[] {
  const own = [join(home, '.local', 'bin'), join(home, 'bin')];
  return uid === 0 ? ['/usr/local/bin', ...own] : own;
}

/** True for a folder in which nobody else can replace the helper, and for one that is not there yet. */
async function isOwn(host: Host, folder: string): Promise<boolean> {
  try {
    const { uid, mode } = await stat(host.systemPath(folder));
    return uid === host.uid && (mode & 0o002) === 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}

async function planShim(
  host: Host,
  path: string,
  { address, helperCommand }: { readonly address: string; readonly helperCommand: readonly string[] },
): Promise<Change> {
  const mode = 0o755;
  const current = await openPlace(host, { kind: 'file', path, mode }).read();
  const lines = ['#!/bin/sh', shimComment, `exec ${helperCommand.map(shellWord).join(' ')} "$@"`];
  return {
    title: `Docker, Podman, Skopeo and Buildah find the credential helper of Berth on the PATH`,
    engine: 'login',
    address,
    place: { kind: 'file', path, mode },
    edit: { kind: 'whole' },
    before: current === undefined ? undefined : sha256(current),
    after: Buffer.from(`${lines.join('\n')}\n`).toString('base64'),
    needsRoot: false,
    activation: { kind: 'none' },
    proof: { kind: 'none' },
    manual: [
      `mkdir -p ${shellWord(dirname(path))}`,
      `printf '%s\\n' ${lines.map(shellWord).join(' ')} > ${shellWord(path)}`,
      `chmod 755 ${shellWord(path)}`,
    ],
  };
}
