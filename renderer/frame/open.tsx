import type { Shell } from '../api/shell.ts';
import { ConnectDrawer } from '../pages/connect/connect-drawer.tsx';
import { openDialog } from '../parts/dialog.tsx';
import { CheatSheet } from './cheat-sheet.tsx';
import { desktopParts } from './desktop-parts.ts';
import { Palette } from './palette.tsx';
import { PartPlace } from './part-place.tsx';

export function openPalette(): void {
  void openDialog((close) => <Palette onClose={close} />);
}

export function openConnect(): void {
  void openDialog((close) => <ConnectDrawer onClose={close} />);
}

export function openCheatSheet(): void {
  void openDialog((close) => <CheatSheet onClose={close} />);
}

/** Images that engines of this computer hold; for the desktop. */
export function openPushImages(shell: Shell): void {
  void openDialog((close) => <PartPlace part={desktopParts.push} props={{ shell, onClose: close }} />);
}
