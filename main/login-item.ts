/** Whether the app starts when the person logs in to the computer: kept by the system, not by the app. */
import { app } from 'electron';
import { autostartFile, isAutostarted, setAutostart } from './engine/files/autostart.ts';

export interface LoginItem {
  isOn(): Promise<boolean>;
  /** Throws DATA_UNUSABLE. */
  set(isOn: boolean): Promise<void>;
}

/** Whoever logs in did not ask for a window. */
const args = ['--hidden'];

export const loginItem: LoginItem = process.platform === 'linux' ? autostart() : ofSystem();

function autostart(): LoginItem {
  // Electron takes XDG_CONFIG_HOME for it.
  const path = autostartFile(app.getPath('appData'));
  // The program inside of an AppImage is elsewhere at each start.
  const program = process.env['APPIMAGE'] ?? process.execPath;
  const command = [program, ...(app.isPackaged ? [] : [app.getAppPath()]), ...args];
  return {
    isOn: () => isAutostarted(path),
    set: (isOn) => setAutostart(path, isOn ? command : undefined),
  };
}

function ofSystem(): LoginItem {
  return {
    async isOn() {
      const { openAtLogin, executableWillLaunchAtLogin } = app.getLoginItemSettings({ args });
      // Windows lets people switch it off in the task manager, and keeps the entry.
      return process.platform === 'win32' ? openAtLogin && executableWillLaunchAtLogin : openAtLogin;
    },
    async set(isOn) {
      app.setLoginItemSettings({ openAtLogin: isOn, args });
    },
  };
}

/** True where the system has started the app because somebody logged in. */
export function isLoginStart(): boolean {
  if (process.platform === 'darwin') return app.getLoginItemSettings().wasOpenedAtLogin;
  return process.argv.includes('--hidden');
}
