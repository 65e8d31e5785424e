import { fileURLToPath } from 'node:url';
import { Menu, nativeImage, nativeTheme, Tray } from 'electron';
import type { Glyph } from './contract/preferences.ts';
import type { TrayAct, TrayIcon, TrayMenu } from './tray-menu.ts';

export interface TrayFace extends Disposable {
  /** What is shown within a quarter of a second; what was meant to be shown meanwhile never is. */
  show(menu: TrayMenu): void;
  /** Draws the icon in another ink. */
  setGlyph(glyph: Glyph): void;
}

const calmMs = 250;

export interface TrayOptions {
  readonly menu: TrayMenu;
  readonly glyph: Glyph;
  /** See `trayGuid`. */
  readonly guid: string | undefined;
  readonly onAct: (act: TrayAct) => void;
  /** Files were dropped on it; on macOS alone. */
  readonly onFiles: (paths: readonly string[]) => void;
}

export function openTray({ menu: first, glyph: firstGlyph, guid, onAct, onFiles }: TrayOptions): TrayFace {
  let glyph = firstGlyph;
  const image = imageOf(first.icon, glyph);
  const tray = guid === undefined ? new Tray(image) : new Tray(image, guid);
  let wanted = first;
  let timer: ReturnType<typeof setTimeout> | undefined;

  // Linux shows a menu as it was when it was set: the whole of it is set again.
  function set(): void {
    timer = undefined;
    tray.setImage(imageOf(wanted.icon, glyph));
    tray.setToolTip(wanted.tooltip);
    tray.setContextMenu(
      Menu.buildFromTemplate(
        wanted.items.map((item) => {
          if (item === undefined) return { type: 'separator' };
          const { label, act } = item;
          return act === undefined ? { label, enabled: false } : { label, click: () => onAct(act) };
        }),
      ),
    );
  }

  // There the left button is for the window; elsewhere it shows the menu.
  if (process.platform === 'win32') tray.on('click', () => onAct({ kind: 'open' }));
  tray.on('drop-files', (_, paths) => onFiles(paths));
  // The bar that the icon is on may have become a light one.
  nativeTheme.on('updated', redraw);
  set();

  function redraw(): void {
    tray.setImage(imageOf(wanted.icon, glyph));
  }

  return {
    show(menu) {
      wanted = menu;
      timer ??= setTimeout(set, calmMs);
    },
    setGlyph(next) {
      glyph = next;
      redraw();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      nativeTheme.off('updated', redraw);
      tray.destroy();
    },
  };
}

/** `@2x` and, on macOS, the template are found by their names. */
function imageOf(icon: TrayIcon, glyph: Glyph) {
  const file = `${icon}${process.platform === 'darwin' ? 'Template' : inkOf(glyph)}.png`;
  return nativeImage.createFromPath(fileURLToPath(new URL(`./icons/${file}`, import.meta.url)));
}

/** Windows says whether its bar is dark. Of a bar of Linux nobody knows; nearly all of them are. */
function inkOf(glyph: Glyph): '' | 'Dark' {
  const isBarDark = process.platform !== 'win32' || nativeTheme.shouldUseDarkColorsForSystemIntegratedUI;
  return glyph === 'dark' || (glyph === 'auto' && !isBarDark) ? 'Dark' : '';
}
