import { z } from 'zod';

const bounds = z.object({ x: z.int(), y: z.int(), width: z.int().positive(), height: z.int().positive() });

export type Bounds = z.output<typeof bounds>;

/** A value that does not fit is as if nobody had set it. */
const schema = z.object({
  /** Where the window was last. */
  bounds: bounds.optional().catch(undefined),
  /** What closing the window does. */
  onClose: z.enum(['ask', 'keep', 'quit']).catch('ask'),
  hasTray: z.boolean().catch(true),
  openHidden: z.boolean().catch(false),
  /** The set-up of the first start is done, or was put away. */
  isSetUp: z.boolean().catch(false),
  /** The person has allowed to look at the images of engines. */
  mayListImages: z.boolean().catch(false),
});

export type Preferences = z.output<typeof schema>;

export function parsePreferences(value: unknown): Preferences {
  return schema.parse(typeof value === 'object' && value !== null ? value : {});
}
