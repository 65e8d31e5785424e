/** The main window: there is one at most. Hidden for ten minutes it is freed, and made anew when it is wanted. */
import { fileURLToPath } from 'node:url';
import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import { giveContextMenu } from './app-menu.ts';
import { boundsOnScreen } from './place.ts';
import type { PreferenceStore } from './preferences.ts';
import { pageUrl } from './scheme.ts';

export interface MainWindow {
  /** Shows it, and brings it to the front; at a place of the page, `#/logs`, if one is given. */
  show(hash?: string): void;
  hide(): void;
  current(): BrowserWindow | undefined;
}

export interface MainWindowOptions {
  readonly preferences: PreferenceStore;
  /** The person closes it: true lets it go. */
  readonly mayClose: () => boolean;
}

const freedAfterMs = 10 * 60 * 1000;

export function createMainWindow({ preferences, mayClose }: MainWindowOptions): MainWindow {
  let window: BrowserWindow | undefined;
  let freeing: ReturnType<typeof setTimeout> | undefined;

  function open(hash: string): BrowserWindow {
    const { bounds: kept, isMaximized } = preferences.get();
    const bounds = boundsOnScreen(
      kept,
      screen.getAllDisplays().map(({ workArea }) => workArea),
    );
    const opened = new BrowserWindow({
      width: 1120,
      height: 720,
      ...bounds,
      minWidth: 880,
      minHeight: 560,
      show: false,
      title: 'Berth',
      // As tokens.css has it, so that nothing flashes before the page is there.
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#14171c' : '#f6f7f9',
      autoHideMenuBar: true,
      webPreferences: {
        preload: fileURLToPath(new URL('./preload.cjs', import.meta.url)),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
      },
    });
    giveContextMenu(opened);
    opened.once('ready-to-show', () => {
      if (isMaximized) opened.maximize();
      opened.show();
    });
    opened.on('close', (event) => {
      preferences.set({ bounds: opened.getNormalBounds(), isMaximized: opened.isMaximized() });
      if (!mayClose()) event.preventDefault();
    });
    opened.on('closed', () => {
      clearTimeout(freeing);
      window = undefined;
      app.dock?.hide();
    });
    opened.on('hide', () => {
      app.dock?.hide();
      freeing = setTimeout(() => opened.destroy(), freedAfterMs);
    });
    opened.on('show', () => {
      clearTimeout(freeing);
      void app.dock?.show();
    });
    // What went wrong shows as an empty window; a rejection here would only say it twice.
    opened.loadURL(`${pageUrl}${hash}`).catch(() => undefined);
    return opened;
  }

  return {
    current: () => window,
    hide: () => window?.hide(),
    show(hash) {
      if (window === undefined) {
        window = open(hash ?? '');
        return;
      }
      if (hash !== undefined) void window.loadURL(`${pageUrl}${hash}`).catch(() => undefined);
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
  };
}
