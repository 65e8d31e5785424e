/**
 * What the page saves goes into the folder for downloads, as it arrives, under a name of its own; nothing is replaced. Where the
 * person wants to be asked, Electron's own dialog for a download asks, and replaces what they agree to.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { app, session, type WebContents } from 'electron';
import type { ShellNote } from '../contract/channels.ts';
import { isPageUrl } from '../sender.ts';
import type { AskingDownloads } from './asking-downloads.ts';
import { freePath } from './free-path.ts';
import type { KnownFiles } from './known-files.ts';

/** Has to be called when the app is ready. `tell` tells the page that asked how it ended. */
export function serveDownloads(
  known: KnownFiles,
  asking: AskingDownloads,
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
    const asks = asking.take(item.getURL());
    open.add(path);
    if (asks) item.setSaveDialogOptions({ title: 'Save as', defaultPath: path });
    else item.setSavePath(path);
    item.once('done', (_, state) => {
      open.delete(path);
      const saved = item.getSavePath();
      const name = basename(saved === '' ? path : saved);
      if (state === 'completed') tell(page, { kind: 'saved', id: known.add(saved), name });
      else if (!asks || state !== 'cancelled') tell(page, { kind: 'notSaved', name });
    });
  });
}
