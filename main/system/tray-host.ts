/**
 * Whether a desktop of Linux shows icons of a tray, as the watcher of StatusNotifierItems knows it. GNOME shows none without
 * an extension. Asked by a program of the system: nobody has to build a D-Bus client.
 * https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/StatusNotifierWatcher/
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemCode } from '../../registry/disk/private-file.ts';

const run = promisify(execFile);

const name = 'org.kde.StatusNotifierWatcher';
const path = '/StatusNotifierWatcher';
const property = 'IsStatusNotifierHostRegistered';
const get = 'org.freedesktop.DBus.Properties.Get';

/** The first of these that is there is asked. */
const programs: readonly (readonly [program: string, ...args: string[]])[] = [
  ['gdbus', 'call', '--session', '--dest', name, '--object-path', path, '--method', get, name, property],
  ['busctl', '--user', 'get-property', name, path, name, property],
  [
    'dbus-send',
    '--session',
    '--print-reply',
    `--dest=${name}`,
    path,
    get,
    `string:${name}`,
    `string:${property}`,
  ],
];

const timeoutMs = 2000;

/** False also where nobody knows. Never throws. */
export async function hasTrayHost(env: NodeJS.ProcessEnv): Promise<boolean> {
  for (const [program, ...args] of programs) {
    try {
      const { stdout } = await run(program, args, { env, timeout: timeoutMs });
      return /\btrue\b/.test(stdout);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') return false;
    }
  }
  return false;
}
