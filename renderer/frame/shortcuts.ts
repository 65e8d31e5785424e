/**
 * Keys that work anywhere outside of fields. A sequence is written with spaces (`g h`), a modified key as `mod+k` (Ctrl,
 * on a Mac Cmd). Single letters can be switched off (WCAG 2.1.4).
 */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { navigate } from '../route.ts';
import { preferences } from '../state/preferences.ts';

export interface Shortcut {
  /** One or more ways to press it. */
  readonly keys: readonly string[];
  /** What it does, for the cheat sheet. */
  readonly label: string;
  /** The heading it stands under there. */
  readonly group: string;
  readonly run: () => void;
}

/** What each caller of `useShortcuts` has. */
const registered = new Map<object, readonly Shortcut[]>();
const listeners = new Set<() => void>();
let all: readonly Shortcut[] = [];

function changed(): void {
  all = [...registered.values()].flat();
  for (const listener of listeners) listener();
}

/** Makes the shortcuts work while the caller is shown. A screen leaves the keys of the frame alone. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const [slot] = useState(() => ({}));
  useEffect(() => {
    registered.set(slot, shortcuts);
    changed();
  });
  useEffect(
    () => () => {
      registered.delete(slot);
      changed();
    },
    [slot],
  );
}

/** Every shortcut that works at present. */
export function useAllShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
}

/** The key that `mod` stands for, as it is written on the keyboard. */
export const modKey = /Mac/.test(navigator.userAgent) ? 'Cmd' : 'Ctrl';

const sequenceMs = 1000;
/** Whoever waits longer for a screen has gone elsewhere. */
const longestLoadMs = 3000;
let former = '';
/** When the former key was pressed, not when it was heard: whatever held the window up meanwhile, `g h` stays `g h`. */
let formerAt = -sequenceMs;

/** Hears the keys of the window; answers how to stop. */
export function listenForShortcuts(): () => void {
  addEventListener('keydown', onKeyDown);
  return () => removeEventListener('keydown', onKeyDown);
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const key = nameOf(event);
  const isModified = event.ctrlKey || event.metaKey || event.altKey;
  // Letters are text in a field, and can be switched off; keys that write nothing stay what they are.
  const isFunctionKey = /^f\d+$/.test(key);
  if (!isModified && !isFunctionKey && isTyping(event.target)) {
    if (key === 'escape' && !isInDialog()) leaveField(event.target);
    return;
  }
  if (!isModified && key.length === 1 && !preferences().singleKeys) return;
  // A dialog has the keyboard for itself.
  if (isInDialog()) return;
  const sequence = event.timeStamp - formerAt < sequenceMs ? `${former} ${key}` : key;
  const found =
    all.findLast(({ keys }) => keys.includes(sequence)) ?? all.findLast(({ keys }) => keys.includes(key));
  former = key;
  formerAt = found === undefined ? event.timeStamp : -sequenceMs;
  if (found === undefined) return;
  event.preventDefault();
  found.run();
}

function isInDialog(): boolean {
  return (
    document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]') !== null
  );
}

/** The part of the window that the field is in has the keys again. */
function leaveField(field: EventTarget | null): void {
  if (field instanceof HTMLElement) field.closest<HTMLElement>('[data-region]')?.focus();
}

function nameOf({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  const name = key.length === 1 ? key : key.toLowerCase();
  if (ctrlKey || metaKey) return `mod+${name.toLowerCase()}`;
  return altKey ? `alt+${name}` : name;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]') !== null
  );
}

/** Goes to the field of the screen that searches; answers whether there is one. */
function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('[data-main-search]');
  field?.focus();
  field?.select();
  return field !== null;
}

/** What `/` does: the field that searches the screen, or else that of the repositories, which come for it. */
export function search(): void {
  if (focusSearch()) return;
  navigate({ page: 'repositories' });
  const observer = new MutationObserver(() => {
    if (focusSearch()) observer.disconnect();
  });
  observer.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), longestLoadMs);
}
