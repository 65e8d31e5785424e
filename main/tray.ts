import { fileURLToPath } from 'node:url';
import { Menu, nativeImage, Tray } from 'electron';
import type { TrayAct, TrayIcon, TrayMenu } from './tray-menu.ts';

export interface TrayFace extends Disposable {
  /** What is shown within a quarter of a second; what was meant to be shown meanwhile never is. */
  show(menu: TrayMenu): void;
}

const calmMs = 250;

export function openTray(
  first: TrayMenu,
  onAct: (act: TrayAct) => void,
  onFiles: (paths: readonly string[]) => void,
): TrayFace {
  const tray = new Tray(imageOf(first.icon));
  let wanted = first;
  let timer: ReturnType<typeof setTimeout> | undefined;

  // Linux shows a menu as it was when it was set: the whole of it is set again.
  function set(): void {
    timer = undefined;
    tray.setImage(imageOf(wanted.icon));
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
  // On macOS alone.
  tray.on('drop-files', (_, paths) => onFiles(paths));
  set();
  return {
    show(menu) {
      wanted = menu;
      timer ??= setTimeout(set, calmMs);
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      tray.destroy();
    },
  };
}

/** `@2x` and, on macOS, the template are found by their names. */
function imageOf(icon: TrayIcon) {
  const file = process.platform === 'darwin' ? `${icon}Template.png` : `${icon}.png`;
  return nativeImage.createFromPath(fileURLToPath(new URL(`./icons/${file}`, import.meta.url)));
}
