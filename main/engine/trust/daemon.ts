/** The process behind an engine: how it was started, and the commands that make it read its files again. */
import { access, readFile, readdir } from 'node:fs/promises';
import { systemCode } from '../../../registry/disk/private-file.ts';
import type { Engine, EngineKind } from '../engine.ts';
import type { Host } from '../host.ts';

/** The arguments of the running dockerd, from /proc (proc_pid_cmdline(5)); empty when there is none. */
export async function dockerdCommandLine(host: Host): Promise<readonly string[]> {
  const pid = await dockerdPid(host);
  if (pid === undefined) return [];
  const text = await readFile(host.systemPath(`/proc/${pid}/cmdline`), 'utf8').catch(undefinedIfGone);
  return text?.split('\0').slice(1) ?? [];
}

/**
 * The command that makes dockerd read daemon.json again: the service's reload where systemd runs it, else SIGHUP
 * (dockerd(8), "DAEMON CONFIGURATION FILE"). The process id is looked up when the command runs.
 */
export async function reloadCommand(host: Host, engine: Engine): Promise<readonly string[]> {
  if (engine.kind === 'docker-rootless') return ['systemctl', '--user', 'reload', 'docker'];
  return (await isServiceOfSystemd(host)) ? ['systemctl', 'reload', 'docker'] : [...hangUp];
}

const hangUp = ['/bin/sh', '-c', 'kill -HUP "$(cat /var/run/docker.pid)"'] as const;

/** The command that starts an engine anew; that of a system service where the kind has none of its own. */
export function restartCommand({ kind, id }: Engine): readonly string[] {
  const command = restartCommands[kind] ?? ['systemctl', 'restart', 'docker'];
  const [, profile] = id.split(':');
  return kind === 'colima' && profile !== undefined ? [...command, profile] : command;
}

const restartCommands: Readonly<Partial<Record<EngineKind, readonly string[]>>> = {
  'docker-snap': ['snap', 'restart', 'docker'],
  'docker-desktop': ['docker', 'desktop', 'restart'],
  'docker-rootless': ['systemctl', '--user', 'restart', 'docker'],
  colima: ['colima', 'restart'],
  orbstack: ['orb', 'restart', 'docker'],
  minikube: ['minikube', 'start', '--embed-certs'],
  microk8s: ['snap', 'restart', 'microk8s'],
  buildkit: ['systemctl', 'restart', 'buildkit'],
};

async function isServiceOfSystemd(host: Host): Promise<boolean> {
  // sd_booted(3)
  if (!(await isThere(host.systemPath('/run/systemd/system')))) return false;
  const result = await host.run('systemctl', ['is-active', 'docker']);
  return result?.stdout.trim() === 'active';
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function dockerdPid(host: Host): Promise<string | undefined> {
  const text = await readFile(host.systemPath('/var/run/docker.pid'), 'utf8').catch(undefinedIfGone);
  const pid = text?.trim() ?? '';
  if (/^\d+$/.test(pid)) return pid;
  for (const each of await readdir(host.systemPath('/proc')).catch(() => [])) {
    if (!/^\d+$/.test(each)) continue;
    const command = await readFile(host.systemPath(`/proc/${each}/cmdline`), 'utf8').catch(undefinedIfGone);
    if (/(?:^|\/)dockerd\0/.test(command ?? '')) return each;
  }
  return undefined;
}

/** Processes end while one looks at them; those of others may be hidden. */
function undefinedIfGone(error: unknown): undefined {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return undefined;
  throw error;
}
