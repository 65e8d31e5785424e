import { type ReactElement, type ReactNode, useRef } from 'react';
import { Header, Menu as AriaMenu, MenuItem, MenuSection, MenuTrigger } from 'react-aria-components/Menu';
import { Popover, type PopoverProps } from 'react-aria-components/Popover';
import styles from './menu.module.css';

export interface MenuEntry {
  readonly id: string;
  readonly label: string;
  readonly icon?: ReactNode;
  /** The key that does the same. */
  readonly keys?: string;
  /** The heading it stands under, with its neighbours of the same. */
  readonly section?: string;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  /** Why it cannot be done at present: it is disabled, and says so. */
  readonly refusal?: string | undefined;
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
function MenuPopover({
  entries,
  label,
  placement = 'bottom end',
  ...popover
}: Pick<PopoverProps, 'placement' | 'triggerRef' | 'isOpen' | 'onOpenChange'> & {
  readonly entries: readonly MenuEntry[];
  readonly label: string;
}) {
  return (
    <Popover {...popover} aria-label={label} className={styles['popover'] ?? ''} placement={placement}>
      <AriaMenu
        aria-label={label}
        // Without a trigger nothing closes it when something is chosen, and nothing gives it the focus.
        {...(popover.onOpenChange === undefined
          ? {}
          : { onClose: () => popover.onOpenChange?.(false), autoFocus: 'first' as const })}
        className={styles['menu'] ?? ''}
        disabledKeys={entries
          .filter(({ isDisabled, refusal }) => isDisabled === true || refusal !== undefined)
          .map(({ id }) => id)}
      >
        {sectionsOf(entries).map(({ title, entries: own }) =>
          title === undefined ? (
            own.map((entry) => <Item key={entry.id} entry={entry} />)
          ) : (
            <MenuSection key={title}>
              <Header className={styles['header'] ?? ''}>{title}</Header>
              {own.map((entry) => (
                <Item key={entry.id} entry={entry} />
              ))}
            </MenuSection>
          ),
        )}
      </AriaMenu>
    </Popover>
  );
}

function Item({ entry }: { readonly entry: MenuEntry }) {
  return (
    <MenuItem
      id={entry.id}
      textValue={entry.label}
      onAction={entry.act}
      className={`${styles['item']} ${entry.isDanger === true ? styles['danger'] : ''}`}
    >
      {entry.icon}
      <span className={styles['label']}>
        {entry.label}
        {entry.refusal !== undefined && <small className={styles['refusal']}>{entry.refusal}</small>}
      </span>
      {entry.keys !== undefined && <kbd className={styles['keys']}>{entry.keys}</kbd>}
    </MenuItem>
  );
}

interface Section {
  readonly title: string | undefined;
  readonly entries: MenuEntry[];
}

/** Neighbours of one section together. */
function sectionsOf(entries: readonly MenuEntry[]): readonly Section[] {
  const sections: Section[] = [];
  for (const entry of entries) {
    const last = sections.at(-1);
    if (last !== undefined && last.title === entry.section) last.entries.push(entry);
    else sections.push({ title: entry.section, entries: [entry] });
  }
  return sections;
}

/** A menu at a place of the window: where a row was clicked, or the button of one. */
export interface PlacedMenu {
  readonly label: string;
  readonly entries: readonly MenuEntry[];
  /** From the top left of the window, in pixels. */
  readonly place: { readonly x: number; readonly y: number };
}

export function PointMenu({ menu, onClose }: { readonly menu: PlacedMenu; readonly onClose: () => void }) {
  const { label, entries, place } = menu;
  const point = useRef<HTMLSpanElement>(null);
  return (
    <>
      <span ref={point} className={styles['point']} style={{ left: place.x, top: place.y }} />
      <MenuPopover
        label={label}
        entries={entries}
        placement="bottom start"
        triggerRef={point}
        isOpen
        onOpenChange={(isOpen) => !isOpen && onClose()}
      />
    </>
  );
}
