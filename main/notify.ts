/** Shows what notices.ts finds worth it. */
import { Notification } from 'electron';
import { createNotices, type Happening } from './notices.ts';
import type { PreferenceStore } from './preferences.ts';
import type { MainWindow } from './window.ts';

export interface Notifier {
  /** Something happened. */
  tell(happening: Happening): void;
}

export function createNotifier(preferences: PreferenceStore, window: MainWindow): Notifier {
  const judge = createNotices();
  // One that nothing holds is forgotten, and its click with it.
  const shown = new Set<Notification>();

  return {
    tell(happening) {
      const { notifications, toldAt } = preferences.get();
      const now = Date.now();
      const open = window.current();
      const notice = judge(happening, {
        now,
        isFocused: open?.isFocused() ?? false,
        isWindowVisible: open?.isVisible() ?? false,
        isOn: (kind) => notifications[kind],
        toldAt,
      });
      if (notice === undefined) return;
      const { kind, title, body, hash, rarely } = notice;
      if (rarely !== undefined) preferences.set({ toldAt: { ...toldAt, [rarely]: now } });
      const notification = new Notification({ title, body, groupId: kind });
      const forget = (): void => void shown.delete(notification);
      shown.add(notification);
      notification.on('click', () => {
        forget();
        window.show(hash);
      });
      notification.on('close', forget);
      notification.show();
    },
  };
}

/** Says that what was clicked in the tray was done. */
export function say(body: string): void {
  new Notification({ title: 'Berth', body, silent: true }).show();
}
