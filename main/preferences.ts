/** What window and tray remember, in a private file of the app; nothing in it is a secret. */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { app, ipcMain } from 'electron';
import Store from 'electron-store';
import { type Preferences, parsePreferences } from './preference-values.ts';

export interface PreferenceStore {
  get(): Preferences;
  set(change: Partial<Preferences>): void;
  /** Where a file that could not be read was put, if there was one. */
  readonly brokenFile: string | undefined;
}

const name = 'preferences';

export function openPreferences(): PreferenceStore {
  const brokenFile = putAsideIfBroken(join(app.getPath('userData'), `${name}.json`));
  const store = new Store<Record<string, unknown>>({ name, configFileMode: 0o600 });
  // It tells every page that asks where the files of the app are; ours asks for no store.
  ipcMain.removeAllListeners('electron-store-get-data');
  let current = parsePreferences(store.store);
  return {
    brokenFile,
    get: () => current,
    set(change) {
      const next = { ...current, ...change };
      if (isDeepStrictEqual(next, current)) return;
      current = next;
      store.store = { ...current };
    },
  };
}

function putAsideIfBroken(path: string): string | undefined {
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) return undefined;
    const aside = `${path}.bak-${new Date().toISOString().replaceAll(':', '-')}`;
    renameSync(path, aside);
    return aside;
  }
}
