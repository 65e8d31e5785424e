/** What closing the window does. */
import type { Preferences } from './preference-values.ts';

/** `askUnseen`: with the words that there is no tray, and only a new start shows the window. */
export type CloseChoice = 'hide' | 'quit' | 'ask' | 'askUnseen';

/** `isTrayShown`: there is a tray that the person can see. */
export function chooseClose(
  { onClose, keepsUnseen }: Pick<Preferences, 'onClose' | 'keepsUnseen'>,
  isTrayShown: boolean,
): CloseChoice {
  if (onClose === 'quit') return 'quit';
  if (isTrayShown) return onClose === 'keep' ? 'hide' : 'ask';
  return onClose === 'keep' && keepsUnseen ? 'hide' : 'askUnseen';
}
