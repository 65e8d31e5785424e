import { dirname } from 'node:path';
import { type BrowserWindow, dialog } from 'electron';

/** Asks where the data directory shall be; begins beside the present one. */
export async function chooseFolder(
  window: BrowserWindow | undefined,
  present: string,
): Promise<string | undefined> {
  const options = {
    title: 'A place for the data of the registry',
    buttonLabel: 'Choose',
    defaultPath: dirname(present),
    properties: ['openDirectory' as const, 'createDirectory' as const, 'promptToCreate' as const],
  };
  const { canceled, filePaths } = await (window === undefined
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return canceled ? undefined : filePaths[0];
}
