/**
 * The table of every list. Rows have one height and only those in view are in the document, however many there are;
 * `aria-rowcount` and `aria-rowindex` speak of all of them (ARIA APG, "Grids"). One row has the focus, its controls come
 * next in the tab order, and what is done by keys is done to it:
 *
 *   Up Down j k, Home End, PageUp PageDown   move         Enter                open
 *   Space, Shift with arrows, Ctrl/Cmd A     select       Right Left           expand, collapse
 *   Shift F10, the menu key                  the acts on the row
 *   everything else goes to `onKey`
 */
import { ArrowDown, ArrowUp } from 'lucide-react';
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { VisuallyHidden } from 'react-aria-components/VisuallyHidden';
import { usePreferences } from '../state/preferences.ts';
import { inOrder } from './column-order.ts';
import { CheckboxInput } from './field.tsx';
import { type MenuEntry, type PlacedMenu, PointMenu } from './menu.tsx';
import { RowButton } from './row-controls.tsx';
import styles from './grid.module.css';

export interface Column<Row> {
  readonly id: string;
  /** Empty for a column of acts alone. */
  readonly title: string;
  /** A track of a CSS grid: `minmax(160px, 2fr)`, `90px`. */
  readonly width: string;
  readonly align?: 'start' | 'end';
  /** What a press of the head sorts by; absent: it does not. */
  readonly sort?: string;
  /** False for one that cannot be hidden. */
  readonly canHide?: boolean;
  /** Hidden where the table is narrower than so many pixels; those that somebody has hidden leave their room to it. */
  readonly fromWidth?: number;
  readonly cell: (row: Row, state: CellState) => ReactNode;
}

export interface CellState {
  /** For the controls in a cell: those of the row that has the focus are in the tab order only. */
  readonly excludeFromTabOrder: boolean;
  /** In pixels, for what shows as much as has room. */
  readonly tableWidth: number;
}

export interface GridProps<Row> {
  /** What the table holds. */
  readonly label: string;
  /** The name under which hidden columns, and their order, are kept; absent: they stay as they are. */
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
  /** Absent: every row can be selected. */
  readonly canSelectRow?: (row: Row) => boolean;
  readonly onOpen?: (row: Row) => void;
  /** The acts on a row, behind a button at its end, and a right click. */
  readonly menuOf?: (row: Row) => readonly MenuEntry[];
  /** Absent: every row has acts, if there is `menuOf`. */
  readonly hasMenuRow?: (row: Row) => boolean;
  /** True if the key was for the row. */
  readonly onKey?: (event: KeyboardEvent, row: Row) => boolean;
  /** A tree: how deep a row is (1 is the top), and whether it can be opened and is. */
  readonly levelOf?: (row: Row) => number;
  readonly isExpanded?: (row: Row) => boolean | undefined;
  readonly onExpand?: (row: Row, isExpanded: boolean) => void;
  /** A row that is one cell over all columns. */
  readonly wide?: (row: Row, state: CellState) => ReactNode | undefined;
  /** What was asked for: with another the table begins at its first row again. */
  readonly question?: string;
  /** In the place of rows when there is none. */
  readonly empty: ReactNode;
  readonly isStale?: boolean;
  /** The height of the table follows its rows: for short lists inside of a panel. */
  readonly isInline?: boolean;
}

const headHeight = 32;
const columnGap = 12;
const rowHeights = { compact: 28, normal: 32, comfortable: 40 } as const;
/** Rows come and go in steps of so many, so that most scroll events change nothing. */
const stepRows = 4;
const overscan = 6;

/** What the element says of itself once it is laid out. */
interface View {
  /** The first row of the step that is at the top. */
  readonly from: number;
  /** How many rows are in view. */
  readonly rows: number;
  readonly width: number;
}

export function Grid<Row>(props: GridProps<Row>) {
  const { label, rows, total, keyOf, need, selected, onSelect, isInline = false, empty } = props;
  const { density, hiddenColumns, columnOrder } = usePreferences();
  const rowHeight = rowHeights[density];
  const root = useRef<HTMLDivElement>(null);
  // Rows wait for it: made for another width, each would be made twice.
  const [view, setView] = useState<View>();
  // Rows beyond those in view wait for the paint: of the first view, and of one that is far from the former.
  const settled = useDeferredValue(view, undefined);
  const [currentKey, setCurrentKey] = useState<string>();
  const [menu, setMenu] = useState<PlacedMenu>();
  const anchor = useRef<number>(undefined);
  /** The row that gets the focus once it is the current one. */
  const wantsFocus = useRef<string>(undefined);
  /** A row that the focus goes to once it is loaded. */
  const awaited = useRef<number>(undefined);
  /** How far the table was moved, as the last event said: the element itself tells after a layout only. */
  const scrolled = useRef(0);
  const isEmpty = total === 0;

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const look = (): void => {
      scrolled.current = element.scrollTop;
      const from = Math.floor(scrolled.current / rowHeight / stepRows) * stepRows;
      const shownRows = Math.ceil(element.clientHeight / rowHeight);
      const width = element.clientWidth;
      setView((former) =>
        former?.from === from && former.rows === shownRows && former.width === width
          ? former
          : { from, rows: shownRows, width },
      );
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [rowHeight, isEmpty]);

  const asked = useRef(props.question);
  useLayoutEffect(() => {
    if (asked.current === props.question) return;
    asked.current = props.question;
    awaited.current = undefined;
    setCurrentKey(undefined);
    if (root.current !== null && scrolled.current > 0) root.current.scrollTop = 0;
  }, [props.question]);

  const tableWidth = view?.width ?? 0;
  const { name = '' } = props;
  const hidden = hiddenColumns[name];
  const order = columnOrder[name];
  const columns = useMemo(() => {
    const isHidden = ({ id, canHide = true }: Column<Row>): boolean =>
      canHide && hidden?.includes(id) === true;
    const left = props.columns
      .filter((column) => isHidden(column) && tableWidth >= (column.fromWidth ?? 0))
      .reduce((sum, { width }) => sum + Number.parseInt(width.replace(/^\D+/, ''), 10) + columnGap, 0);
    return inOrder(props.columns, order).filter(
      (column) =>
        !isHidden(column) && (column.fromWidth === undefined || tableWidth + left >= column.fromWidth),
    );
  }, [props.columns, hidden, order, tableWidth]);
  const canSelect = selected !== undefined && onSelect !== undefined;
  const hasMenu = props.menuOf !== undefined;
  const template = [
    ...(canSelect ? ['20px'] : []),
    ...columns.map(({ width }) => width),
    ...(hasMenu ? ['28px'] : []),
  ].join(' ');

  const found = useMemo(
    () => (currentKey === undefined ? -1 : rows.findIndex((row) => keyOf(row) === currentKey)),
    // The function is another on each render and says the same.
    // oxlint-disable-next-line react/exhaustive-deps
    [rows, currentKey],
  );
  const current = found === -1 ? 0 : found;
  const [first, last] = isInline && view !== undefined ? [0, total - 1] : rangeOf(view, settled, total);
  const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  // The row with the focus stays in the document.
  if (view !== undefined && current < rows.length && (current < first || current > last)) {
    if (current < first) shown.unshift(current);
    else shown.push(current);
  }

  useEffect(() => {
    if (last >= rows.length && last >= 0) need?.(last);
  }, [last, rows.length, need]);

  useEffect(() => {
    const target = awaited.current;
    if (target === undefined) return;
    if (target < rows.length) goTo(target);
    else need?.(target);
  });

  useEffect(() => {
    if (wantsFocus.current === undefined || wantsFocus.current !== currentKey) return;
    wantsFocus.current = undefined;
    root.current?.querySelector<HTMLElement>(`[data-row="${current}"]`)?.focus({ preventScroll: true });
  });

  function goTo(index: number): void {
    const element = root.current;
    const target = Math.max(0, Math.min(total - 1, index));
    const row = rows[target];
    if (element === null) return;
    awaited.current = row === undefined ? target : undefined;
    if (row !== undefined) {
      wantsFocus.current = keyOf(row);
      setCurrentKey(wantsFocus.current);
    }
    if (isInline) return;
    const top = target * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight + headHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight + headHeight - element.clientHeight;
  }

  function isSelectable(row: Row): boolean {
    return canSelect && (props.canSelectRow?.(row) ?? true);
  }

  function toggle(index: number): void {
    const row = rows[index];
    if (row === undefined || selected === undefined || !isSelectable(row)) return;
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
    const range = rows.slice(Math.min(from, index), Math.max(from, index) + 1).filter(isSelectable);
    onSelect?.(new Set([...selected, ...range.map(keyOf)]));
  }

  const page = Math.max(1, (view?.rows ?? 0) - 2);
  function onKeyDown(event: KeyboardEvent): void {
    const row = rows[current];
    const target = event.target as HTMLElement;
    // Keys inside of a control of the row are its own; the box that selects it has one.
    const isBox = target instanceof HTMLInputElement && target.type === 'checkbox' && event.key !== ' ';
    if (row === undefined || (target.dataset['row'] === undefined && !isBox)) return;
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
      End: total - 1 - current,
    };
    const step = isPlain ? steps[event.key] : undefined;
    if (step !== undefined) {
      const next = Math.max(0, Math.min(total - 1, current + step));
      if (event.shiftKey && canSelect) extendTo(next);
      goTo(next);
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === 'a' && canSelect) {
      if (props.onSelectAll === undefined) onSelect?.(new Set(rows.filter(isSelectable).map(keyOf)));
      else props.onSelectAll();
      return true;
    }
    if (isPlain && event.key === ' ' && isSelectable(row)) {
      toggle(current);
      return true;
    }
    if (hasMenu && (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10'))) {
      const place = (event.target as HTMLElement).getBoundingClientRect();
      actions.current.openMenu(current, { x: place.left + 24, y: place.bottom });
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

  // Rows keep these as they are, so that scrolling renders those alone that come into view.
  const actions = useRef<RowActions>(noActions);
  useLayoutEffect(() => {
    actions.current = {
      focus: (key) => setCurrentKey(key),
      toggle: (index, isRange) => (isRange ? extendTo(index) : toggle(index)),
      open(index) {
        const row = rows[index];
        if (row !== undefined) props.onOpen?.(row);
      },
      openMenu(index, place) {
        const row = rows[index];
        const entries = row === undefined ? [] : (props.menuOf?.(row) ?? []);
        if (row !== undefined && entries.length > 0) setMenu({ label: keyOf(row), entries, place });
      },
    };
  });

  if (isEmpty) return <div className={styles['emptyPlace']}>{empty}</div>;
  const isTree = props.levelOf !== undefined;
  return (
    <div
      ref={root}
      role={isTree ? 'treegrid' : 'grid'}
      aria-label={label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length + Number(canSelect) + Number(hasMenu)}
      aria-multiselectable={canSelect || undefined}
      aria-busy={props.isStale === true || undefined}
      className={`${styles['grid']} ${isInline ? styles['inline'] : ''} ${props.isStale === true ? styles['stale'] : ''}`}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className={styles['head']}>
        <div role="row" aria-rowindex={1} className={styles['row']} style={{ gridTemplateColumns: template }}>
          {canSelect && (
            <div role="columnheader" aria-label="Selected" className={styles['cell']}>
              <SelectAll {...props} selected={selected} onSelect={onSelect} isSelectable={isSelectable} />
            </div>
          )}
          {columns.map((column) => (
            <Head key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
          ))}
          {hasMenu && (
            <div role="columnheader" className={styles['cell']}>
              <VisuallyHidden>More</VisuallyHidden>
            </div>
          )}
        </div>
      </div>
      <div role="rowgroup" className={styles['body']} style={{ height: total * rowHeight }}>
        {shown.map((index) => {
          const row = rows[index];
          if (row === undefined)
            return <Bone key={`empty ${index}`} index={index} top={index * rowHeight} template={template} />;
          const key = keyOf(row);
          return (
            <GridRow
              key={key}
              rowKey={key}
              row={row}
              index={index}
              top={index * rowHeight}
              template={template}
              tableWidth={tableWidth}
              columns={columns}
              isCurrent={index === current}
              hasCheckbox={canSelect}
              isSelected={isSelectable(row) ? selected?.has(key) : undefined}
              hasMenu={hasMenu && (props.hasMenuRow?.(row) ?? true)}
              level={props.levelOf?.(row)}
              isExpanded={props.isExpanded?.(row)}
              wide={props.wide}
              actions={actions}
            />
          );
        })}
      </div>
      {menu !== undefined && <PointMenu menu={menu} onClose={() => setMenu(undefined)} />}
    </div>
  );
}

type Range = readonly [first: number, last: number];

/** The rows that are in the document: none before the table is laid out. */
function rangeOf(view: View | undefined, settled: View | undefined, total: number): Range {
  if (view === undefined) return [0, -1];
  // A table that was just laid out is at its top.
  const [first, last] = [view.from, view.from + view.rows + (settled === undefined ? 0 : stepRows)];
  const [above, below] = aroundOf(view);
  const known = settled === undefined ? undefined : aroundOf(settled);
  const isNear = known !== undefined && known[0] <= last && known[1] >= first;
  return [
    Math.max(0, isNear ? Math.min(first, Math.max(above, known[0])) : first),
    Math.min(total - 1, isNear ? Math.max(last, Math.min(below, known[1])) : last),
  ];
}

/** The rows of a view, and some around them. */
function aroundOf({ from, rows }: View): Range {
  return [from - overscan, from + rows + stepRows + overscan];
}

interface RowActions {
  focus(key: string): void;
  toggle(index: number, isRange: boolean): void;
  open(index: number): void;
  openMenu(index: number, place: PlacedMenu['place']): void;
}

const noActions: RowActions = { focus() {}, toggle() {}, open() {}, openMenu() {} };

interface GridRowProps<Row> {
  readonly row: Row;
  readonly rowKey: string;
  readonly index: number;
  readonly top: number;
  readonly template: string;
  readonly tableWidth: number;
  readonly columns: readonly Column<Row>[];
  readonly isCurrent: boolean;
  readonly hasCheckbox: boolean;
  /** Absent: it cannot be selected. */
  readonly isSelected: boolean | undefined;
  readonly hasMenu: boolean;
  readonly level: number | undefined;
  readonly isExpanded: boolean | undefined;
  readonly wide: GridProps<Row>['wide'];
  readonly actions: RefObject<RowActions>;
}

function PlainRow<Row>({ row, rowKey, index, columns, isCurrent, isSelected, ...props }: GridRowProps<Row>) {
  const { actions } = props;
  const state: CellState = { excludeFromTabOrder: !isCurrent, tableWidth: props.tableWidth };
  const whole = props.wide?.(row, state);
  return (
    <div
      role="row"
      data-row={index}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-level={props.level}
      aria-expanded={props.isExpanded}
      tabIndex={isCurrent ? 0 : -1}
      className={`${styles['row']} ${styles['data']}`}
      style={{ transform: `translateY(${props.top}px)`, gridTemplateColumns: props.template }}
      onFocus={() => {
        if (!isCurrent) actions.current.focus(rowKey);
      }}
      onDoubleClick={() => actions.current.open(index)}
      onContextMenu={(event) => {
        if (!props.hasMenu) return;
        event.preventDefault();
        actions.current.openMenu(index, { x: event.clientX, y: event.clientY });
      }}
    >
      {props.hasCheckbox && (
        <div role="gridcell" className={styles['cell']}>
          {isSelected !== undefined && (
            <input
              type="checkbox"
              aria-label={`Select ${rowKey}`}
              className={styles['check']}
              checked={isSelected}
              tabIndex={isCurrent ? 0 : -1}
              onChange={(event) =>
                actions.current.toggle(index, (event.nativeEvent as Partial<MouseEvent>).shiftKey === true)
              }
            />
          )}
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
          style={{ gridColumn: `span ${columns.length}` }}
        >
          {whole}
        </div>
      )}
      {props.hasMenu && (
        <div role="gridcell" className={styles['cell']}>
          <RowButton
            label={`More for ${rowKey}`}
            hint="More"
            icon="more"
            hasMenu
            excludeFromTabOrder={!isCurrent}
            onPress={(button) => {
              const { left, bottom } = button.getBoundingClientRect();
              actions.current.openMenu(index, { x: left, y: bottom });
            }}
          />
        </div>
      )}
    </div>
  );
}

/** Most of a scroll leaves most rows as they are. */
const GridRow = memo(PlainRow) as typeof PlainRow;

/** A row that is not loaded. */
function Bone({
  index,
  top,
  template,
}: {
  readonly index: number;
  readonly top: number;
  readonly template: string;
}) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={styles['row']}
      style={{ transform: `translateY(${top}px)`, gridTemplateColumns: template }}
    >
      <div role="gridcell" className={`${styles['cell']} ${styles['wide']}`}>
        <span className={styles['bone']} />
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
  isSelectable,
}: GridProps<Row> &
  Required<Pick<GridProps<Row>, 'selected' | 'onSelect'>> & {
    readonly isSelectable: (row: Row) => boolean;
  }) {
  const isAll = selected.size > 0 && rows.every((row) => selected.has(keyOf(row)) || !isSelectable(row));
  return (
    <CheckboxInput
      aria-label="Select all"
      isSelected={isAll}
      isIndeterminate={!isAll && selected.size > 0}
      onChange={(wanted) => {
        if (!wanted) onSelect(new Set());
        else if (onSelectAll === undefined) onSelect(new Set(rows.filter(isSelectable).map(keyOf)));
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
        {title === '' ? <VisuallyHidden>Acts</VisuallyHidden> : title}
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
