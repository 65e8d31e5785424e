import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CloseChoice, chooseClose } from './close-choice.ts';

const rows: readonly (readonly ['ask' | 'keep' | 'quit', boolean, boolean, CloseChoice])[] = [
  // onClose, keepsUnseen, whether the tray is shown
  ['ask', false, true, 'ask'],
  ['ask', false, false, 'askUnseen'],
  ['ask', true, false, 'askUnseen'],
  ['keep', false, true, 'hide'],
  ['keep', false, false, 'askUnseen'],
  ['keep', true, false, 'hide'],
  ['keep', true, true, 'hide'],
  ['quit', false, true, 'quit'],
  ['quit', true, false, 'quit'],
];

for (const [onClose, keepsUnseen, isTrayShown, choice] of rows) {
  const known = keepsUnseen ? ', knowing that nothing shows it' : '';
  test(`closing with "${onClose}"${known} ${isTrayShown ? 'beside' : 'without'} a tray: ${choice}`, () => {
    assert.equal(chooseClose({ onClose, keepsUnseen }, isTrayShown), choice);
  });
}
