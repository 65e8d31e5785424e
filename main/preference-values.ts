import { z } from 'zod';
import {
  closeChoices,
  glyphs,
  type NotificationKind,
  notificationDefaults,
  themes,
} from './contract/preferences.ts';

const bounds = z.object({ x: z.int(), y: z.int(), width: z.int().positive(), height: z.int().positive() });

export type Bounds = z.output<typeof bounds>;

const notifications = z
  .object(
    Object.fromEntries(
      Object.entries(notificationDefaults).map(([kind, isOn]) => [kind, z.boolean().catch(isOn)]),
    ) as Record<NotificationKind, z.ZodCatch<z.ZodBoolean>>,
  )
  .catch({ ...notificationDefaults });

/** A value that does not fit is as if nobody had set it. */
const schema = z.object({
  /** Where the window was last, before it was made as large as the screen. */
  bounds: bounds.optional().catch(undefined),
  isMaximized: z.boolean().catch(false),
  /** What closing the window does. */
  onClose: z.enum(closeChoices).catch('ask'),
  /** "Keep running" was chosen on a desktop without a tray, in the knowledge that only a new start shows the window. */
  keepsUnseen: z.boolean().catch(false),
  hasTray: z.boolean().catch(true),
  glyph: z.enum(glyphs).catch('auto'),
  openHidden: z.boolean().catch(false),
  /** The set-up of the first start is done, or was put away. */
  isSetUp: z.boolean().catch(false),
  /** The person has allowed to look at the images of engines. */
  mayListImages: z.boolean().catch(false),
  /** As the page has it. */
  theme: z.enum(themes).catch('system'),
  notifications,
  /** When what is told once, or once a day, was told last; in ms since the epoch. */
  toldAt: z.partialRecord(z.enum(['tray', 'diskLow', 'diskFull', 'certificate']), z.number()).catch({}),
  looksForUpdates: z.boolean().catch(false),
  /** Engines that nobody wants to be told of, by id; as the page has it. */
  mutedEngines: z.array(z.string()).readonly().catch([]),
});

export type Preferences = z.output<typeof schema>;

export function parsePreferences(value: unknown): Preferences {
  return schema.parse(typeof value === 'object' && value !== null ? value : {});
}
