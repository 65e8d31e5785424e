/** What no page of this app may do, whatever is in it. https://www.electronjs.org/docs/latest/tutorial/security */
import { app, type Session, session } from 'electron';
import { isPageUrl } from './sender.ts';

/** Has to be called before the first window; holds for every page there will be. */
export function secureApp(): void {
  app.on('web-contents-created', (_, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    // The page goes from place to place by the part after #, which is no navigation.
    contents.on('will-frame-navigate', (event) => {
      if (!event.isMainFrame || !isPageUrl(event.url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
  });
  void app.whenReady().then(() => denyPermissions(session.defaultSession));
}

/** The page needs none: what it copies it asks the shell to copy. */
function denyPermissions(shared: Session): void {
  shared.setPermissionRequestHandler((_, __, callback) => callback(false));
  shared.setPermissionCheckHandler(() => false);
  shared.setDevicePermissionHandler(() => false);
}
