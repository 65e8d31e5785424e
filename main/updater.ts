/** electron-updater, loaded when somebody looks for updates: it takes longer to load than the rest of the shell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { app } from 'electron';
import type { AppUpdater } from 'electron-updater';
import type { Updater } from './updates.ts';

export interface FoundUpdater {
  readonly updater: Updater | undefined;
  readonly isProved: boolean;
}

/** What the build was made with: electron-builder writes the file where `publish` names a place. */
export function findUpdater(): FoundUpdater {
  const feed = app.isPackaged ? readFeed(join(process.resourcesPath, 'app-update.yml')) : undefined;
  return {
    updater: feed === undefined ? undefined : createUpdater(),
    // macOS installs nothing of another signer. Windows compares the publisher, where the build names one. Linux compares
    // nothing: whoever has the feed could put anything there.
    isProved:
      process.platform === 'darwin' || (process.platform === 'win32' && /^publisherName:/m.test(feed ?? '')),
  };
}

function readFeed(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function load(): Promise<AppUpdater> {
  const { autoUpdater } = (await import('electron-updater')).default;
  autoUpdater.autoDownload = false;
  // Nothing is installed but by "Restart to update".
  autoUpdater.autoInstallOnAppQuit = false;
  autoUpdater.logger = null;
  // What fails rejects, too; without a listener it would end the app.
  autoUpdater.on('error', () => undefined);
  return autoUpdater;
}

function createUpdater(): Updater {
  let loading: Promise<AppUpdater> | undefined;
  return {
    async findNewer() {
      const result = await (await (loading ??= load())).checkForUpdates();
      return result?.isUpdateAvailable === true ? result.updateInfo.version : undefined;
    },
    async fetch(onPercent) {
      const known = await (loading ??= load());
      known.on('download-progress', ({ percent }) => onPercent(percent));
      await known.downloadUpdate().finally(() => known.removeAllListeners('download-progress'));
    },
    install() {
      void loading?.then((known) => known.quitAndInstall());
    },
  };
}
