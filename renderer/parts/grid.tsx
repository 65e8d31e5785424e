/**
 * The table of every list. Rows have one height and only those in view are in the document, however many there are;
 * `aria-rowcount` and `aria-rowindex` speak of all of them (ARIA APG, "Grids"). One row has the focus, its controls come
 * next in the tab order, and what is done by keys is done to it:
 *
 *   Up Down j k, Home End, PageUp PageDown   move         Enter                open
 *   Space, Shift with arrows, Ctrl/Cmd A     select       Right Left           expand, collapse
 *   everything else goes to `onKey`
 */
import { ArrowDown, ArrowUp } from 'lucide-react';
import {
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { usePreferences } from '../state/preferences.ts';
import { CheckboxInput } from './field.tsx';
import styles from './grid.module.css';

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** A track of a CSS grid: `minmax(160px, 2fr)`, `90px`. */
  readonly width: string;
  readonly align?: 'start' | 'end';
  /** What a press of the head sorts by; absent: it does not. */
  readonly sort?: string;
  /** False for one that cannot be hidden. */
  readonly canHide?: boolean;
  /** Hidden where the table is narrower than so many pixels. */
  readonly fromWidth?: number;
  readonly cell: (row: Row, state: CellState) => ReactNode;
}

export interface CellState {
  /** For the controls in a cell: those of the row that has the focus are in the tab order only. */
  readonly excludeFromTabOrder: boolean;
}

export interface GridProps<Row> {
  /** What the table holds. */
  readonly label: string;
  /** The name under which hidden columns are kept; absent: none can be hidden. */
  readonly name?: string;
  readonly columns: readonly Column<Row>[];
  /** From the first on, as far as they are loaded. */
  readonly rows: readonly Row[];
  readonly total: number;
  readonly keyOf: (row: Row) => string;
  /** Asks for the row at that place. */
  readonly need?: (index: number) => void;
  readonly sort?: { readonly by: string; readonly isDescending: boolean };
  readonly onSort?: (by: string, isDescending: boolean) => void;
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (keys: ReadonlySet<string>) => void;
  /** Ctrl A, where rows beyond the loaded ones are meant, too; absent: the loaded ones are selected. */
  readonly onSelectAll?: () => void;
  readonly onOpen?: (row: Row) => void;
  /** True if the key was for the row. */
  readonly onKey?: (event: KeyboardEvent, row: Row) => boolean;
  /** A tree: how deep a row is (1 is the top), and whether it can be opened and is. */
  readonly levelOf?: (row: Row) => number;
  readonly isExpanded?: (row: Row) => boolean | undefined;
  readonly onExpand?: (row: Row, isExpanded: boolean) => void;
  /** A row that is one cell over all columns. */
  readonly wide?: (row: Row, state: CellState) => ReactNode | undefined;
  /** In the place of rows when there is none. */
  readonly empty: ReactNode;
  readonly isStale?: boolean;
  /** The height of the table follows its rows: for short lists inside of a panel. */
  readonly isInline?: boolean;
}

const overscan = 8;
const rowHeights = { compact: 28, normal: 32, comfortable: 40 } as const;
const headHeight = 32;

export function Grid<Row>(props: GridProps<Row>) {
  const { label, rows, total, keyOf, need, selected, onSelect, isInline = false, empty } = props;
  const { density, hiddenColumns } = usePreferences();
  const rowHeight = rowHeights[density];
  const root = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, width: 1000 });
  const [currentKey, setCurrentKey] = useState<string>();
  const anchor = useRef<number>(undefined);
  const wantsFocus = useRef(false);

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const look = (): void =>
      setView({ top: element.scrollTop, height: element.clientHeight, width: element.clientWidth });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);

  const hidden = props.name === undefined ? undefined : hiddenColumns[props.name];
  const columns = useMemo(
    () =>
      props.columns.filter(
        ({ id, fromWidth = 0 }) =>
          hidden?.includes(id) !== true && (fromWidth === 0 || view.width >= fromWidth),
      ),
    [props.columns, hidden, view.width],
  );
  const canSelect = selected !== undefined && onSelect !== undefined;
  const template = [...(canSelect ? ['36px'] : []), ...columns.map(({ width }) => width)].join(' ');

  const found = rows.findIndex((row) => keyOf(row) === currentKey);
  const current = found === -1 ? 0 : found;
  const first = isInline ? 0 : Math.max(0, Math.floor(view.top / rowHeight) - overscan);
  const last = isInline
    ? total - 1
    : Math.min(total - 1, Math.ceil((view.top + view.height) / rowHeight) + overscan);
  const shown = new Set<number>(
    Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index),
  );
  // The row with the focus stays in the document.
  if (current < rows.length) shown.add(current);

  useEffect(() => {
    if (last >= rows.length && last >= 0) need?.(last);
  }, [last, rows.length, need]);

  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    root.current?.querySelector<HTMLElement>(`[data-row="${current}"]`)?.focus({ preventScroll: true });
  });

  function goTo(index: number): void {
    const target = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[target];
    const element = root.current;
    if (row === undefined || element === null) return;
    if (target + 1 >= rows.length) need?.(target + 1);
    wantsFocus.current = true;
    setCurrentKey(keyOf(row));
    if (isInline) return;
    const top = target * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight + headHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight + headHeight - element.clientHeight;
  }

  function toggle(index: number): void {
    const row = rows[index];
    if (row === undefined || selected === undefined) return;
    const key = keyOf(row);
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    anchor.current = index;
    onSelect?.(next);
  }

  function extendTo(index: number): void {
    if (selected === undefined) return;
    const from = anchor.current ?? current;
    anchor.current = from;
    const range = rows.slice(Math.min(from, index), Math.max(from, index) + 1).map(keyOf);
    onSelect?.(new Set([...selected, ...range]));
  }

  const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
  function onKeyDown(event: KeyboardEvent): void {
    const row = rows[current];
    const target = event.target as HTMLElement;
    // Keys inside of a control of the row are its own.
    if (row === undefined || target.dataset['row'] === undefined) return;
    if (act(event, row)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  function act(event: KeyboardEvent, row: Row): boolean {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      j: 1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -current,
      End: rows.length - 1 - current,
    };
    const step = isPlain ? steps[event.key] : undefined;
    if (step !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, current + step));
      if (event.shiftKey && canSelect) extendTo(next);
      goTo(next);
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === 'a' && canSelect) {
      if (props.onSelectAll === undefined) onSelect?.(new Set(rows.map(keyOf)));
      else props.onSelectAll();
      return true;
    }
    if (isPlain && event.key === ' ' && canSelect) {
      toggle(current);
      return true;
    }
    const isExpanded = props.isExpanded?.(row);
    if (isPlain && event.key === 'ArrowRight' && isExpanded === false) {
      props.onExpand?.(row, true);
      return true;
    }
    if (isPlain && event.key === 'ArrowLeft' && isExpanded === true) {
      props.onExpand?.(row, false);
      return true;
    }
    if (isPlain && event.key === 'Enter' && props.onOpen !== undefined) {
      props.onOpen(row);
      return true;
    }
    return props.onKey?.(event, row) ?? false;
  }

  if (total === 0) return <div className={styles['emptyPlace']}>{empty}</div>;
  const isTree = props.levelOf !== undefined;
  return (
    <div
      ref={root}
      role={isTree ? 'treegrid' : 'grid'}
      aria-label={label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length + (canSelect ? 1 : 0)}
      aria-multiselectable={canSelect || undefined}
      aria-busy={props.isStale === true || undefined}
      className={`${styles['grid']} ${isInline ? styles['inline'] : ''} ${props.isStale === true ? styles['stale'] : ''}`}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className={styles['head']}>
        <div role="row" aria-rowindex={1} className={styles['row']} style={{ gridTemplateColumns: template }}>
          {canSelect && (
            <div role="columnheader" aria-label="Selected" className={styles['cell']}>
              <SelectAll {...props} selected={selected} onSelect={onSelect} />
            </div>
          )}
          {columns.map((column) => (
            <Head key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className={styles['body']} style={{ height: total * rowHeight }}>
        {[...shown]
          .toSorted((one, other) => one - other)
          .map((index) => {
            const row = rows[index];
            const place = { transform: `translateY(${index * rowHeight}px)`, gridTemplateColumns: template };
            if (row === undefined) {
              return (
                <div
                  key={`empty ${index}`}
                  role="row"
                  aria-rowindex={index + 2}
                  className={styles['row']}
                  style={place}
                >
                  <div role="gridcell" className={`${styles['cell']} ${styles['wide']}`}>
                    <span className={styles['bone']} />
                  </div>
                </div>
              );
            }
            const key = keyOf(row);
            const isCurrent = index === current;
            const state: CellState = { excludeFromTabOrder: !isCurrent };
            const whole = props.wide?.(row, state);
            return (
              <div
                key={key}
                role="row"
                data-row={index}
                aria-rowindex={index + 2}
                aria-selected={canSelect ? selected.has(key) : undefined}
                aria-level={props.levelOf?.(row)}
                aria-expanded={props.isExpanded?.(row)}
                tabIndex={isCurrent ? 0 : -1}
                className={`${styles['row']} ${styles['data']}`}
                style={place}
                onFocus={() => currentKey !== key && setCurrentKey(key)}
                onDoubleClick={() => props.onOpen?.(row)}
              >
                {canSelect && (
                  <div role="gridcell" className={styles['cell']}>
                    <CheckboxInput
                      aria-label={`Select ${key}`}
                      isSelected={selected.has(key)}
                      onChange={() => toggle(index)}
                      excludeFromTabOrder={!isCurrent}
                    >
                      {null}
                    </CheckboxInput>
                  </div>
                )}
                {whole === undefined ? (
                  columns.map((column) => (
                    <div
                      key={column.id}
                      role="gridcell"
                      className={`${styles['cell']} ${column.align === 'end' ? styles['end'] : ''}`}
                    >
                      {column.cell(row, state)}
                    </div>
                  ))
                ) : (
                  <div
                    role="gridcell"
                    aria-colspan={columns.length}
                    className={`${styles['cell']} ${styles['wide']}`}
                  >
                    {whole}
                  </div>
                )}
              </div>
            );
          })}
      </div>
    </div>
  );
}

function SelectAll<Row>({
  rows,
  keyOf,
  selected,
  onSelect,
  onSelectAll,
}: GridProps<Row> & Required<Pick<GridProps<Row>, 'selected' | 'onSelect'>>) {
  const isAll = rows.length > 0 && rows.every((row) => selected.has(keyOf(row)));
  return (
    <CheckboxInput
      aria-label="Select all"
      isSelected={isAll}
      isIndeterminate={!isAll && selected.size > 0}
      onChange={(wanted) => {
        if (!wanted) onSelect(new Set());
        else if (onSelectAll === undefined) onSelect(new Set(rows.map(keyOf)));
        else onSelectAll();
      }}
    >
      {null}
    </CheckboxInput>
  );
}

function Head<Row>({
  column,
  sort,
  onSort,
}: { readonly column: Column<Row> } & Pick<GridProps<Row>, 'sort' | 'onSort'>) {
  const { sort: by, title, align } = column;
  const isSorted = by !== undefined && sort?.by === by;
  const direction = sort?.isDescending === true ? 'descending' : 'ascending';
  const className = `${styles['cell']} ${align === 'end' ? styles['end'] : ''}`;
  if (by === undefined || onSort === undefined)
    return (
      <div role="columnheader" className={className}>
        {title}
      </div>
    );
  return (
    <div role="columnheader" aria-sort={isSorted ? direction : 'none'} className={className}>
      <button
        type="button"
        className={styles['sort']}
        onClick={() => onSort(by, isSorted ? !sort.isDescending : by !== 'name')}
      >
        {title}
        {isSorted && (sort.isDescending ? <ArrowDown aria-hidden /> : <ArrowUp aria-hidden />)}
      </button>
    </div>
  );
}
