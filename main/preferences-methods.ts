/** The preferences for the window: what is kept in our file, and what the system knows. */
import type { DesktopPreferences, PreferenceChange, preferencesArguments } from './contract/preferences.ts';
import type { MethodsOf } from './contract/shell-api.ts';
import type { LoginItem } from './login-item.ts';
import type { PreferenceStore } from './preferences.ts';

export interface PreferencesOptions {
  readonly preferences: PreferenceStore;
  readonly loginItem: LoginItem;
  readonly isTrayShown: () => Promise<boolean>;
  /** False where the system colours the icon of the tray. */
  readonly hasGlyphs: boolean;
  /** They were changed, and are kept. */
  readonly onChange: (change: PreferenceChange) => void;
}

export function createPreferencesMethods({
  preferences,
  loginItem,
  isTrayShown,
  hasGlyphs,
  onChange,
}: PreferencesOptions): MethodsOf<typeof preferencesArguments> {
  async function read(): Promise<DesktopPreferences> {
    const [opensAtLogin, isShown] = await Promise.all([loginItem.isOn(), isTrayShown()]);
    const { openHidden, onClose, hasTray, glyph, looksForUpdates, notifications } = preferences.get();
    return {
      opensAtLogin,
      openHidden,
      onClose,
      hasTray,
      isTrayShown: isShown,
      ...(hasGlyphs ? { glyph } : {}),
      looksForUpdates,
      notifications,
    };
  }

  return {
    'preferences.get': read,
    async 'preferences.set'({ change }) {
      const { opensAtLogin, notifications, ...kept } = change;
      if (opensAtLogin !== undefined) await loginItem.set(opensAtLogin);
      preferences.set({
        ...given(kept),
        ...(notifications === undefined
          ? {}
          : { notifications: { ...preferences.get().notifications, ...given(notifications) } }),
      });
      onChange(change);
      return await read();
    },
  };
}

/** Without what is not said. */
function given<Values extends object>(
  values: Values,
): { [K in keyof Values]?: Exclude<Values[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof Values]?: Exclude<Values[K], undefined>;
  };
}
