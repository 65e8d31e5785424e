/** The menu of the app, and those of fields: roles of the system, so that its keys work. */
import { app, type BrowserWindow, Menu, type MenuItemConstructorOptions } from 'electron';

const isMac = process.platform === 'darwin';

/** On Windows and Linux the menu is behind Alt: the window has everything. */
export function setAppMenu(openSettings: () => void): void {
  app.setAboutPanelOptions({
    applicationName: 'Berth',
    applicationVersion: app.getVersion(),
    copyright: 'A private container registry, one click away',
  });
  const settings: MenuItemConstructorOptions = {
    label: 'Settings…',
    accelerator: 'CommandOrControl+,',
    click: openSettings,
  };
  const items: readonly MenuItemConstructorOptions[] = isMac
    ? [
        {
          role: 'appMenu',
          submenu: [
            { role: 'about' },
            { type: 'separator' },
            settings,
            { type: 'separator' },
            { role: 'services' },
            { type: 'separator' },
            { role: 'hide' },
            { role: 'hideOthers' },
            { role: 'unhide' },
            { type: 'separator' },
            { role: 'quit' },
          ],
        },
        { role: 'fileMenu' },
        { role: 'editMenu' },
        ...developerMenu(),
        { role: 'windowMenu' },
      ]
    : [
        { label: '&File', submenu: [settings, { type: 'separator' }, { role: 'quit' }] },
        { role: 'editMenu' },
        ...developerMenu(),
        { label: '&Help', submenu: [{ role: 'about' }] },
      ];
  Menu.setApplicationMenu(Menu.buildFromTemplate([...items]));
}

/** A packaged app has nothing for those who build it. */
function developerMenu(): readonly MenuItemConstructorOptions[] {
  return app.isPackaged ? [] : [{ role: 'viewMenu' }];
}

/** Cut, copy, paste and select all on the right button, where there is text to do that with. */
export function giveContextMenu(window: BrowserWindow): void {
  window.webContents.on('context-menu', (_, { isEditable, selectionText, editFlags }) => {
    const { canCut, canCopy, canPaste, canSelectAll } = editFlags;
    const items: MenuItemConstructorOptions[] = isEditable
      ? [
          { role: 'cut', enabled: canCut },
          { role: 'copy', enabled: canCopy },
          { role: 'paste', enabled: canPaste },
          { type: 'separator' },
          { role: 'selectAll', enabled: canSelectAll },
        ]
      : [{ role: 'copy', enabled: canCopy }];
    if (isEditable || selectionText.trim() !== '') Menu.buildFromTemplate(items).popup({ window });
  });
}
