/** The dialogs of the system for files, and what the window is told of files. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, type BrowserWindow, dialog, shell } from 'electron';
import { AppError } from '../../registry/spec/errors.ts';
import type { bundleSources, filesArguments } from '../contract/files.ts';
import type { MethodsOf } from '../contract/shell-api.ts';
import type { AskingDownloads } from './asking-downloads.ts';
import { describeFile, type GivenFiles } from './given-files.ts';
import { freePath } from './free-path.ts';
import type { KnownFiles } from './known-files.ts';

export interface FilesOptions {
  /** The window that dialogs belong to. */
  readonly window: () => BrowserWindow | undefined;
  readonly given: GivenFiles;
  readonly known: KnownFiles;
  readonly asking: AskingDownloads;
  /** The data directory; NOT_RUNNING. */
  readonly root: () => string;
}

export function createFilesMethods({
  window,
  given,
  known,
  asking,
  root,
}: FilesOptions): MethodsOf<typeof filesArguments> {
  // Where the last dialog ended; the next begins there.
  let folder: string | undefined;

  async function choose(from: Exclude<(typeof bundleSources)[number], 'given'>) {
    const options = {
      title: 'Import images',
      buttonLabel: 'Choose',
      defaultPath: folder ?? app.getPath('downloads'),
      // Windows and Linux have no dialog for both.
      properties: [from === 'file' ? ('openFile' as const) : ('openDirectory' as const)],
      ...(from === 'file'
        ? {
            filters: [
              { name: 'Archives of images', extensions: ['tar', 'gz', 'tgz'] },
              { name: 'All files', extensions: ['*'] },
            ],
          }
        : {}),
    };
    const parent = window();
    const { canceled, filePaths } = await (parent === undefined
      ? dialog.showOpenDialog(options)
      : dialog.showOpenDialog(parent, options));
    const paths = canceled ? [] : filePaths;
    if (paths[0] !== undefined) folder = join(paths[0], '..');
    return await Promise.all(paths.map(describeFile));
  }

  return {
    'files.pickBundles': async ({ from }) => (from === 'given' ? await given.take() : await choose(from)),
    async 'files.chooseTarget'({ fileName }) {
      const options = {
        title: 'Export images',
        buttonLabel: 'Export',
        defaultPath: freePath(folder ?? app.getPath('downloads'), fileName, existsSync),
        filters: [{ name: 'Archive of images', extensions: ['tar'] }],
        properties: ['showOverwriteConfirmation' as const, 'createDirectory' as const],
      };
      const parent = window();
      const { canceled, filePath } = await (parent === undefined
        ? dialog.showSaveDialog(options)
        : dialog.showSaveDialog(parent, options));
      if (canceled || filePath === '') return undefined;
      folder = join(filePath, '..');
      return { id: known.add(filePath), path: filePath };
    },
    async 'files.askWhere'({ id }) {
      asking.add(id);
    },
    async 'files.reveal'({ id }) {
      const path = id === 'data' ? root() : known.find(id);
      if (path === undefined)
        throw new AppError('PATH_REFUSED', { message: 'The app does not know that file any more.' });
      if (!existsSync(path))
        throw new AppError('PATH_REFUSED', {
          message: `"${path}" is not there any more.`,
          hint: 'It was moved or removed since.',
        });
      shell.showItemInFolder(path);
      return { isShown: true };
    },
  };
}
