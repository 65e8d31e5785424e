import { ArrowLeft, ArrowRight, Columns3 } from 'lucide-react';
import { Dialog, DialogTrigger } from 'react-aria-components/Dialog';
import { Popover } from 'react-aria-components/Popover';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { IconButton } from './button.tsx';
import { inOrder, moved } from './column-order.ts';
import { CheckboxInput } from './field.tsx';
import type { Column } from './grid.tsx';
import styles from './menu.module.css';

export interface ColumnsMenuProps {
  /** That of the table. */
  readonly name: string;
  readonly columns: readonly Pick<Column<never>, 'id' | 'title' | 'canHide'>[];
}

/** Which columns a table shows, and in which order; kept under its name. */
export function ColumnsMenu({ name, columns }: ColumnsMenuProps) {
  const { hiddenColumns, columnOrder } = usePreferences();
  const hidden = hiddenColumns[name] ?? [];
  const ordered = inOrder(columns, columnOrder[name]);
  const show = (id: string, isShown: boolean): void => {
    const others = hidden.filter((each) => each !== id);
    setPreferences({ hiddenColumns: { ...hiddenColumns, [name]: isShown ? others : [...others, id] } });
  };
  const move = (id: string, by: -1 | 1): void =>
    setPreferences({ columnOrder: { ...columnOrder, [name]: moved(ordered, id, by) } });
  return (
    <DialogTrigger>
      <IconButton label="Columns">
        <Columns3 />
      </IconButton>
      <Popover className={styles['popover'] ?? ''} placement="bottom end">
        <Dialog aria-label="Columns" className={styles['menu'] ?? ''}>
          <ul>
            {ordered.map(({ id, title, canHide = true }) => (
              <li key={id} className={styles['column']}>
                <CheckboxInput
                  isSelected={!canHide || !hidden.includes(id)}
                  isDisabled={!canHide}
                  onChange={(isShown) => show(id, isShown)}
                >
                  {title}
                </CheckboxInput>
                <IconButton label={`Move ${title} left`} onPress={() => move(id, -1)}>
                  <ArrowLeft />
                </IconButton>
                <IconButton label={`Move ${title} right`} onPress={() => move(id, 1)}>
                  <ArrowRight />
                </IconButton>
              </li>
            ))}
          </ul>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
