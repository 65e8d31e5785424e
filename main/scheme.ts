/**
 * The address of the window: `berth://app/`, whose files are those of the folder `ui` beside this file. Below `download/` are
 * files of the registry, by the tickets that it gave to the page.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type MessagePortMain, protocol } from 'electron';
import { receiveDownload } from './download-port.ts';
import { answerFile } from './page-files.ts';

export const pageUrl = 'berth://app/index.html';

/** Has to be called before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'berth', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

export function serveScheme(openDownload: (ticket: string) => MessagePortMain | undefined): void {
  const folder = fileURLToPath(new URL('./ui/', import.meta.url));
  protocol.handle('berth', async ({ url, method }) => {
    const [, ticket] = /^berth:\/\/app\/download\/([\w-]+)$/.exec(url) ?? [];
    const port = ticket === undefined ? undefined : openDownload(ticket);
    return port === undefined
      ? await answerFile({ url, method }, folder, readFile)
      : await receiveDownload(port);
  });
}
