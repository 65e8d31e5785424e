/** What the person likes of the desktop app: its start, its tray, what it tells of, its updates. */
import { z } from 'zod';

/** What notifications are shown of, and whether they are before anybody has said so. */
export const notificationDefaults = {
  /** It runs in the tray, the first time that no window says so. */
  tray: true,
  /** The registry could not start, or has crashed. */
  failure: true,
  disk: true,
  certificate: true,
  update: true,
  /** A change of this computer was made, or was not. */
  change: true,
  /** Five logins or more failed within a minute. */
  logins: true,
  push: false,
  pull: false,
} as const;

export type NotificationKind = keyof typeof notificationDefaults;
const notificationKinds = Object.keys(notificationDefaults) as readonly NotificationKind[];

export const closeChoices = ['ask', 'keep', 'quit'] as const;
export const glyphs = ['auto', 'light', 'dark'] as const;
export type Glyph = (typeof glyphs)[number];
export const themes = ['system', 'light', 'dark'] as const;

const toggles = Object.fromEntries(notificationKinds.map((kind) => [kind, z.boolean().optional()])) as Record<
  NotificationKind,
  z.ZodOptional<z.ZodBoolean>
>;

export const preferencesArguments = {
  'preferences.get': z.strictObject({}),
  /** Changes what is given, and answers how everything is then. */
  'preferences.set': z.strictObject({
    change: z.strictObject({
      opensAtLogin: z.boolean().optional(),
      openHidden: z.boolean().optional(),
      onClose: z.enum(closeChoices).optional(),
      hasTray: z.boolean().optional(),
      glyph: z.enum(glyphs).optional(),
      theme: z.enum(themes).optional(),
      looksForUpdates: z.boolean().optional(),
      /** Engines that nobody wants to be told of, by id. */
      mutedEngines: z.array(z.string().min(1).max(300)).max(200).readonly().optional(),
      notifications: z.strictObject(toggles).optional(),
    }),
  }),
} as const;

export type PreferenceChange = z.output<(typeof preferencesArguments)['preferences.set']>['change'];

export interface DesktopPreferences {
  /** As the system has it: others can change it, too. */
  readonly opensAtLogin: boolean;
  readonly openHidden: boolean;
  readonly onClose: (typeof closeChoices)[number];
  readonly hasTray: boolean;
  /** Whether the desktop shows icons of a tray; where it does not, a closed window has no other sign. */
  readonly isTrayShown: boolean;
  /** The ink of the icon in the tray; absent where the system colours it. */
  readonly glyph?: Glyph;
  readonly looksForUpdates: boolean;
  readonly notifications: Readonly<Record<NotificationKind, boolean>>;
}

export interface PreferencesResults {
  'preferences.get': DesktopPreferences;
  'preferences.set': DesktopPreferences;
}
