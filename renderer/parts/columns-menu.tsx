import { Check, Columns3 } from 'lucide-react';
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { IconButton } from './button.tsx';
import type { Column } from './grid.tsx';
import styles from './menu.module.css';

/** Which columns a table shows; kept under its name. */
export function ColumnsMenu({
  name,
  columns,
}: {
  readonly name: string;
  readonly columns: readonly Pick<Column<never>, 'id' | 'title' | 'canHide'>[];
}) {
  const { hiddenColumns } = usePreferences();
  const hidden = hiddenColumns[name] ?? [];
  const choices = columns.filter(({ canHide = true }) => canHide);
  return (
    <MenuTrigger>
      <IconButton label="Columns">
        <Columns3 />
      </IconButton>
      <Popover className={styles['popover'] ?? ''} placement="bottom end">
        <Menu
          aria-label="Columns"
          className={styles['menu'] ?? ''}
          selectionMode="multiple"
          selectedKeys={choices.filter(({ id }) => !hidden.includes(id)).map(({ id }) => id)}
          onSelectionChange={(shown) =>
            setPreferences({
              hiddenColumns: {
                ...hiddenColumns,
                [name]: choices.map(({ id }) => id).filter((id) => shown !== 'all' && !shown.has(id)),
              },
            })
          }
        >
          {choices.map(({ id, title }) => (
            <MenuItem key={id} id={id} textValue={title} className={styles['item'] ?? ''}>
              {({ isSelected }) => (
                <>
                  <Check aria-hidden className={isSelected ? '' : styles['absent']} />
                  <span className={styles['label']}>{title}</span>
                </>
              )}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
