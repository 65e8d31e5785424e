import { type ChangeEvent, type KeyboardEvent, type MouseEvent, useRef } from 'react';

/** What an input that is searched with has, and the button that empties it; as Escape does. */
export function useSearchText(text: string, onChange: (text: string) => void) {
  const input = useRef<HTMLInputElement>(null);
  return {
    input: {
      ref: input,
      type: 'search',
      value: text,
      spellCheck: false,
      onChange: (event: ChangeEvent<HTMLInputElement>) => onChange(event.target.value),
      onKeyDown(event: KeyboardEvent) {
        if (event.key !== 'Escape' || text === '') return;
        // It closes no dialog, and leaves the field the second time only.
        event.preventDefault();
        event.stopPropagation();
        onChange('');
      },
    },
    clear: {
      type: 'button',
      tabIndex: -1,
      'aria-label': 'Clear search',
      // The field keeps the focus, or gets it.
      onMouseDown: (event: MouseEvent) => event.preventDefault(),
      onClick() {
        onChange('');
        input.current?.focus();
      },
    },
  } as const;
}
