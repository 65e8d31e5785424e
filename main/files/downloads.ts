/** What the page saves goes into the folder for downloads, as it arrives, under a name of its own; nothing is replaced. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { app, session, type WebContents } from 'electron';
import type { ShellNote } from '../contract/channels.ts';
import { isPageUrl } from '../sender.ts';
import { freePath } from './free-path.ts';
import type { KnownFiles } from './known-files.ts';

/** Has to be called when the app is ready. `tell` tells the page that asked how it ended. */
export function serveDownloads(
  known: KnownFiles,
  tell: (page: WebContents | undefined, note: ShellNote) => void,
): void {
  /** Those that are on their way: their names are taken before their files are there. */
  const open = new Set<string>();
  session.defaultSession.on('will-download', (event, item, page: WebContents | undefined) => {
    if (!isPageUrl(item.getURL().replace(/^blob:/, ''))) return event.preventDefault();
    const path = freePath(
      app.getPath('downloads'),
      item.getFilename(),
      (each) => open.has(each) || existsSync(each),
    );
    open.add(path);
    item.setSavePath(path);
    item.once('done', (_, state) => {
      open.delete(path);
      const name = basename(path);
      if (state === 'completed') tell(page, { kind: 'saved', id: known.add(path), name });
      else tell(page, { kind: 'notSaved', name });
    });
  });
}
