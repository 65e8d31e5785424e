/** The clipboard of the system, which the page itself may not write: a browser refuses that at times, the shell does not. */
import { z } from 'zod';

/** In UTF-16 units: more than the log of a window holds. */
const mostText = 32 * 1024 * 1024;

export const clipboardArguments = {
  /** Puts a text into the clipboard. */
  'clipboard.write': z.strictObject({ text: z.string().max(mostText) }),
} as const;

export interface ClipboardResults {
  'clipboard.write': void;
}
