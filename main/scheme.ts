/** The address of the window: `berth://app/`, whose files are those of the folder `ui` beside this file. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { protocol } from 'electron';
import { answerFile } from './page-files.ts';

export const pageUrl = 'berth://app/index.html';

/** Has to be called before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'berth', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

export function serveScheme(): void {
  const folder = fileURLToPath(new URL('./ui/', import.meta.url));
  protocol.handle('berth', ({ url, method }) => answerFile({ url, method }, folder, readFile));
}
