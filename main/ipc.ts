/** What pages ask of the shell: who asks is looked at, and what is asked is checked by `createShell`. */
import { type IpcMainEvent, type IpcMainInvokeEvent, ipcMain } from 'electron';
import { channels } from './contract/channels.ts';
import type { ShellReply } from './contract/shell-api.ts';
import { isOwnFrame } from './sender.ts';
import type { Shell } from './shell.ts';

export interface IpcOptions {
  readonly shell: Shell;
  /** A page asks for a connection to the registry. */
  readonly onAskPort: (event: IpcMainEvent) => void;
  /** Files were dropped on a page: their paths, as the preload script says. */
  readonly onDrop: (paths: unknown) => void;
  readonly log: (text: string) => void;
}

export function serveIpc({ shell, onAskPort, onDrop, log }: IpcOptions): void {
  ipcMain.handle(channels.invoke, async (event, method: unknown, args: unknown): Promise<ShellReply> => {
    if (!mayAsk(event) || typeof method !== 'string') return refused;
    try {
      return await shell(method, args);
    } catch (error) {
      log(`${method} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return { error: { code: 'UNKNOWN', message: `${method} failed by a fault of the app.`, hint: '' } };
    }
  });
  ipcMain.on(channels.askPort, (event) => {
    if (mayAsk(event)) onAskPort(event);
  });
  ipcMain.on(channels.drop, (event, paths: unknown) => {
    if (mayAsk(event)) onDrop(paths);
  });
}

function mayAsk({ senderFrame }: IpcMainInvokeEvent | IpcMainEvent): boolean {
  return isOwnFrame(senderFrame);
}

const refused: ShellReply = {
  error: { code: 'DENIED', message: 'This page may not ask for that.', hint: '' },
};
