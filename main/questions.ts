/** What is asked in dialogs of the system. */
import { type BrowserWindow, dialog, type MessageBoxOptions } from 'electron';
import type { Transfer } from './registry-view.ts';

export type QuitAnswer = 'now' | 'finish' | 'cancel';

/** Asked while clients push or pull. */
export async function askQuit(
  window: BrowserWindow | undefined,
  transfers: readonly Transfer[],
): Promise<QuitAnswer> {
  const names = transfers.map(({ kind, name }) => `${kind === 'push' ? 'Push' : 'Pull'} of ${name}`);
  const answer = await ask(window, {
    type: 'warning',
    message: 'Clients are transferring images.',
    detail: `${names.slice(0, 5).join('\n')}${names.length > 5 ? `\nand ${names.length - 5} more` : ''}`,
    buttons: ['Quit anyway', 'Finish, then quit', 'Cancel'],
    defaultId: 1,
    cancelId: 2,
  });
  return (['now', 'finish'] as const)[answer] ?? 'cancel';
}

/** Asked when the window is closed for the first time; and once more on a desktop that shows no tray. */
export async function askClose(window: BrowserWindow, isTrayShown: boolean): Promise<'keep' | 'quit'> {
  const answer = await ask(window, {
    type: 'question',
    message: 'Keep the registry running?',
    detail: `${isTrayShown ? 'Without the window Berth stays in the tray' : 'This desktop shows no tray: without the window nothing tells that Berth runs'}, and clients can push and pull. Starting Berth again shows the window. The settings change this later.`,
    buttons: ['Keep running', 'Quit'],
    defaultId: 0,
    cancelId: 0,
  });
  return answer === 1 ? 'quit' : 'keep';
}

export async function tellBrokenPreferences(file: string): Promise<void> {
  await ask(undefined, {
    type: 'info',
    message: 'The preferences of the window could not be read.',
    detail: `They begin anew. What could not be read is kept in ${file}.`,
    buttons: ['OK'],
  });
}

export async function tellBrokenPlace(file: string, path: string): Promise<void> {
  await ask(undefined, {
    type: 'warning',
    message: 'It could not be read where the data of the registry is.',
    detail: `The registry uses ${path}. If you had moved its data, quit Berth and name the directory in ${file}, which is kept, as it was before.`,
    buttons: ['OK'],
  });
}

async function ask(window: BrowserWindow | undefined, options: MessageBoxOptions): Promise<number> {
  const { response } = await (window === undefined
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options));
  return response;
}
