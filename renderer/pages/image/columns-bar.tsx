import type { ReactNode } from 'react';
import { ColumnsMenu, type ColumnsMenuProps } from '../../parts/columns-menu.tsx';
import { Bar } from '../../parts/screen.tsx';
import styles from './image.module.css';

/** What stands above a table, with the choice of its columns at the end. */
export function ColumnsBar({ children, ...table }: ColumnsMenuProps & { readonly children?: ReactNode }) {
  return (
    <Bar label="Table">
      {children}
      <span className={styles['columns']}>
        <ColumnsMenu {...table} />
      </span>
    </Bar>
  );
}
