/**
 * What starts the desktop app when the person logs in to the computer, as far as it is seen and ended without the app:
 *
 *   Linux     the file of the autostart
 *   Windows   a value of the registry key Run of the current user, by the name that `app.setLoginItemSettings` gives it
 *   macOS     the system keeps it for the app (SMAppService), and tells nobody else
 */
import { AppError } from '../../../registry/spec/errors.ts';
import type { Host, RunResult } from '../host.ts';
import { configFolder } from '../login/logins.ts';
import { autostartFile, isAutostarted, setAutostart } from './autostart.ts';

/** The name by which Windows knows the app (AppUserModelID). */
export const appId = 'io.berth.desktop';

export interface LoginStart {
  /** The file, or the value of the registry of Windows. */
  readonly place: string;
  /** Commands that do what `end` does. */
  readonly byHand: readonly string[];
  /** Throws CHANGE_FAILED, DATA_UNUSABLE. */
  readonly end: () => Promise<void>;
}

const runKey = String.raw`HKCU\Software\Microsoft\Windows\CurrentVersion\Run`;
/** Where the task manager notes what somebody has switched off; it stays without meaning when the value is gone. */
const approvedKey = String.raw`HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`;

/** What starts the app; `undefined` where nothing does, or where nobody but the app can see it. */
export async function findLoginStart(host: Host): Promise<LoginStart | undefined> {
  if (host.platform === 'win32') return await findRunValue(host);
  if (host.platform !== 'linux') return undefined;
  const path = autostartFile(configFolder(host));
  if (!(await isAutostarted(path))) return undefined;
  return { place: path, byHand: [`rm ${path}`], end: () => setAutostart(path, undefined) };
}

/** What to do about a start that cannot be seen here; `undefined` where all of them can. */
export function unseenLoginStart({ platform }: Pick<Host, 'platform'>): string | undefined {
  return platform === 'darwin'
    ? 'Whether the app starts when you log in is known to macOS alone: switch it off in System Settings, General, Login Items, or in the settings of the app before you remove it.'
    : undefined;
}

async function findRunValue(host: Host): Promise<LoginStart | undefined> {
  // The text of the answer is in the language of the system; its exit code is not.
  const isThere = await changeValue(host, 'query', runKey);
  if (isThere?.code !== 0) return undefined;
  return {
    place: `${runKey}\\${appId}`,
    byHand: [`reg delete ${runKey} /v ${appId} /f`],
    async end() {
      const ended = await changeValue(host, 'delete', runKey);
      if (ended?.code !== 0) {
        throw new AppError('CHANGE_FAILED', {
          message: `reg.exe did not delete it: ${ended?.stderr.trim() ?? 'it cannot be run'}`,
        });
      }
      await changeValue(host, 'delete', approvedKey);
    },
  };
}

function changeValue(host: Host, verb: 'query' | 'delete', key: string): Promise<RunResult | undefined> {
  return host.run('reg', [verb, key, '/v', appId, ...(verb === 'delete' ? ['/f'] : [])]);
}
