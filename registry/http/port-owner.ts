/** Which process listens on a port, to name it when the port is taken. */
import { execFile } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A listening socket of Linux: who owns it, and its number in the owner's descriptor table. */
export interface Listener {
  readonly uid: number;
  readonly inode: string;
}

interface WaitOptions {
  readonly signal?: AbortSignal;
}

/**
 * Answers who listens on a TCP port of this machine, as `python3 (pid 123)` or `a process of user 0`; `undefined`
 * if it cannot be found out. Never throws. Reads /proc on Linux, asks lsof on macOS, netstat and tasklist on Windows.
 */
export async function findPortOwner(port: number, options: WaitOptions = {}): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await findOnLinux(port);
    if (process.platform === 'win32') return await findOnWindows(port, options);
    return await findByLsof(port, options);
  } catch {
    return undefined;
  }
}

/** Listening sockets on the port in the text of /proc/net/tcp or tcp6 (proc_pid_net(5)). */
export function parseProcNet(text: string, port: number): readonly Listener[] {
  const listening = '0A';
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const isOurs = state === listening && parseInt(local.split(':')[1] ?? '', 16) === port;
    return isOurs && inode !== undefined ? [{ uid: Number(uid), inode }] : [];
  });
}

/** The first process in the output of `lsof -F pc` as `name (pid n)`. */
export function parseLsof(text: string): string | undefined {
  const [, pid, name] = /^p(\d+)\nc(.+)$/m.exec(text) ?? [];
  return pid === undefined || name === undefined ? undefined : `${name} (pid ${pid})`;
}

/** The process id that listens on the port in the output of `netstat -ano -p TCP`. Words are localised, columns not. */
export function parseNetstat(text: string, port: number): number | undefined {
  for (const line of text.split('\n')) {
    const [kind, local = '', foreign = '', , pid] = line.trim().split(/\s+/);
    if (kind === 'TCP' && local.endsWith(`:${String(port)}`) && foreign.endsWith(':0')) return Number(pid);
  }
  return undefined;
}

/**
 * The program in the text of /proc/<pid>/cmdline, printable ASCII only. The shorter /proc/<pid>/comm is no use: Node
 * and others put the name of a thread there.
 */
export function programName(cmdline: string): string {
  const [program = ''] = cmdline.split('\0');
  // nginx and others write a sentence into their first argument: `nginx: master process ...`.
  const [word = ''] = (program.split('/').at(-1) ?? '').split(/:? /);
  return word.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 64) || 'a process';
}

async function findOnLinux(port: number): Promise<string | undefined> {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => ''));
  const listeners = (await Promise.all(tables)).flatMap((text) => parseProcNet(text, port));
  const [first] = listeners;
  if (first === undefined) return undefined;
  const links = new Set(listeners.map(({ inode }) => `socket:[${inode}]`));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await hasDescriptor(pid, links)) {
      return `${programName(await readFile(`/proc/${pid}/cmdline`, 'utf8'))} (pid ${pid})`;
    }
  }
  return `a process of user ${String(first.uid)}`;
}

/** False as well for processes of other users, whose descriptors cannot be read, and for those that just ended. */
async function hasDescriptor(pid: string, links: ReadonlySet<string>): Promise<boolean> {
  const dir = `/proc/${pid}/fd`;
  const descriptors = await readdir(dir).catch(() => []);
  for (const descriptor of descriptors) {
    if (links.has(await readlink(`${dir}/${descriptor}`).catch(() => ''))) return true;
  }
  return false;
}

async function findByLsof(port: number, options: WaitOptions): Promise<string | undefined> {
  const args = ['-nP', `-iTCP:${String(port)}`, '-sTCP:LISTEN', '-Fpc'];
  const { stdout } = await run('lsof', args, { timeout: 5_000, ...options });
  return parseLsof(stdout);
}

async function findOnWindows(port: number, options: WaitOptions): Promise<string | undefined> {
  const { stdout } = await run('netstat', ['-ano', '-p', 'TCP'], { timeout: 5_000, ...options });
  const pid = parseNetstat(stdout, port);
  if (pid === undefined) return undefined;
  const filter = ['/FI', `PID eq ${String(pid)}`, '/FO', 'CSV', '/NH'];
  const { stdout: row } = await run('tasklist', filter, { timeout: 5_000, ...options });
  const name = /^"([^"]+)"/.exec(row.trim())?.[1];
  return name === undefined ? `pid ${String(pid)}` : `${name} (pid ${String(pid)})`;
}
