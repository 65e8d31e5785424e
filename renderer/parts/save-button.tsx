import { ChevronDown, Download } from 'lucide-react';
import { useShell } from '../state/shell.ts';
import { Button, IconButton } from './button.tsx';
import { Menu, type MenuEntry } from './menu.tsx';
import styles from './save-button.module.css';

/** Gives the reader a file; `asks`: where to is asked first. */
export type Save = (asks: boolean) => void;

/** Saves a file where downloads go; on the desktop its menu saves it elsewhere. */
export function SaveButton({
  children,
  onSave,
}: {
  /** What it says: a text, which the menu is named by. */
  readonly children: string;
  readonly onSave: Save;
}) {
  const shell = useShell();
  const button = (
    <Button icon={<Download />} onPress={() => onSave(false)}>
      {children}
    </Button>
  );
  if (shell === undefined) return button;
  return (
    <span className={styles['split']}>
      {button}
      <Menu
        label={children}
        button={
          <IconButton label={`${children}: where to`}>
            <ChevronDown />
          </IconButton>
        }
        entries={[{ id: 'as', label: 'Save as…', act: () => onSave(true) }]}
      />
    </span>
  );
}

/** Entries of a menu that save files; on the desktop each has one more, which asks where to. */
export function useSaveEntries(
  entries: readonly { readonly id: string; readonly label: string; readonly save: Save }[],
): readonly MenuEntry[] {
  const shell = useShell();
  return [
    ...entries.map(({ id, label, save }) => ({ id, label, act: () => save(false) })),
    ...(shell === undefined
      ? []
      : entries.map(({ id, label, save }) => ({
          id: `${id}As`,
          label: `${label}…`,
          section: 'Save as',
          act: () => save(true),
        }))),
  ];
}
