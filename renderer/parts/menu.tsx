import type { ReactElement, ReactNode } from 'react';
import { Menu as AriaMenu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover, type PopoverProps } from 'react-aria-components/Popover';
import styles from './menu.module.css';

export interface MenuEntry {
  readonly id: string;
  readonly label: string;
  readonly icon?: ReactNode;
  /** The key that does the same. */
  readonly keys?: string;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly act: () => void;
}

/** A button that opens a list of acts. */
export function Menu({
  button,
  entries,
  label,
}: {
  readonly button: ReactElement;
  readonly entries: readonly MenuEntry[];
  readonly label: string;
}) {
  return (
    <MenuTrigger>
      {button}
      <MenuPopover label={label} entries={entries} />
    </MenuTrigger>
  );
}

/** The list of a menu, for what opens one by itself. */
export function MenuPopover({
  entries,
  label,
  placement = 'bottom end',
  ...popover
}: Pick<PopoverProps, 'placement' | 'triggerRef' | 'isOpen' | 'onOpenChange'> & {
  readonly entries: readonly MenuEntry[];
  readonly label: string;
}) {
  return (
    <Popover {...popover} className={styles['popover'] ?? ''} placement={placement}>
      <AriaMenu
        aria-label={label}
        className={styles['menu'] ?? ''}
        disabledKeys={entries.filter((entry) => entry.isDisabled === true).map((entry) => entry.id)}
      >
        {entries.map((entry) => (
          <MenuItem
            key={entry.id}
            id={entry.id}
            textValue={entry.label}
            onAction={entry.act}
            className={`${styles['item']} ${entry.isDanger === true ? styles['danger'] : ''}`}
          >
            {entry.icon}
            <span className={styles['label']}>{entry.label}</span>
            {entry.keys !== undefined && <kbd className={styles['keys']}>{entry.keys}</kbd>}
          </MenuItem>
        ))}
      </AriaMenu>
    </Popover>
  );
}
