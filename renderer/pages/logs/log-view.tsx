/**
 * The lines of the log, of which those in view are in the document. Its end is followed until somebody looks at what is
 * above it: scrolls up, takes a line, or pauses. From there on the line at the top keeps its place on the screen, whatever
 * comes below, falls out above, or is filtered.
 *
 * One element has the focus and speaks of the current line by its id, because lines come and go. What is selected is a
 * range of numbers of lines, so that it reaches beyond what is in the document; inside of one line the browser selects
 * text as everywhere.
 */
import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type Ref,
  useCallback,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { formatCount } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { isGap, type LogEntry, type LogList } from '../../state/log-list.ts';
import { type LogStore, useRevision } from '../../state/logs.ts';
import { usePreferences } from '../../state/preferences.ts';
import type { CellContext, LogColumn } from './columns.tsx';
import { LogRow, type RowActs } from './log-row.tsx';
import { createAnchor, createHeights, type Layout } from './scroll.ts';
import styles from './logs.module.css';

/** What is done to the lines from outside of them. */
export interface LogViewHandle {
  readonly selected: () => readonly LogEntry[];
  readonly visible: () => readonly LogEntry[];
  /** Shows a line and makes it the current one. */
  readonly goTo: (number: number) => void;
  readonly current: () => number | undefined;
}

export interface LogViewProps {
  readonly store: LogStore;
  readonly columns: readonly LogColumn[];
  readonly context: CellContext;
  readonly isHighlight: boolean;
  readonly isFollowing: boolean;
  readonly onFollow: (isFollowing: boolean) => void;
  readonly onAround: (at: number) => void;
  readonly onCopy: () => void;
  readonly handle: Ref<LogViewHandle>;
}

interface Range {
  readonly anchor: number;
  readonly focus: number;
}

const rowHeights = { compact: 22, normal: 24, comfortable: 30 } as const;
const headHeight = 28;
const overscanPx = 120;

export function LogView(props: LogViewProps) {
  const { store, isFollowing, onFollow, onAround, onCopy, context, isHighlight, handle } = props;
  const { list } = store;
  useRevision(store);
  const { density, wrapsLog } = usePreferences();
  const rowHeight = rowHeights[density];
  const root = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ width: 1000, height: 400 });
  const [range, setRange] = useState<Range>();
  const [expanded, setExpanded] = useState<ReadonlySet<number>>(new Set());
  const [heights] = useState(createHeights);
  const [, renderAgain] = useReducer((count: number) => count + 1, 0);
  useSyncExternalStore(heights.subscribe, heights.revision);
  const [anchor] = useState(createAnchor);
  const latest = useRef<Layout>(undefined);
  const scrolledTo = useRef(0);
  const id = useId();

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const measureBox = (): void => setBox({ width: element.clientWidth, height: element.clientHeight });
    measureBox();
    const observer = new ResizeObserver(measureBox);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const columns = useMemo(
    () => props.columns.filter(({ fromWidth = 0 }) => box.width >= fromWidth),
    [props.columns, box.width],
  );

  const size = list.shownSize();
  const look = [box.width, wrapsLog, rowHeight, ...columns.map((column) => column.id)].join(' ');
  const layout = heights.layOut(
    { size, placeOf: list.placeOf, numberAt: list.numberAt },
    rowHeight,
    wrapsLog ? look : String(rowHeight),
  );
  const viewHeight = Math.max(0, box.height - headHeight);
  const lowest = Math.max(0, layout.height - viewHeight);
  const top = isFollowing ? lowest : Math.min(lowest, topOfAnchor(layout));
  const first = layout.placeAt(top - overscanPx);
  const last = Math.min(size - 1, layout.placeAt(top + viewHeight + overscanPx));
  const current = range?.focus;
  const newCount = isFollowing ? 0 : size - list.placeOf(anchor.get().seenTo + 1);

  function topOfAnchor({ topOf }: Layout): number {
    const { number, offset } = anchor.get();
    const place = list.placeOf(number);
    return topOf(place) + (list.numberAt(place) === number ? offset : 0);
  }

  function keepTop(at: number): void {
    const place = layout.placeAt(at);
    anchor.set({ number: list.numberAt(place) ?? 0, offset: at - layout.topOf(place) });
  }

  /** Notes the heights of the lines in the document; answers whether one was another before. */
  function measure(): boolean {
    if (!wrapsLog && expanded.size === 0 && heights.isEmpty()) return false;
    return heights.note(
      [...(body.current?.children ?? [])].map((row) => {
        const height = row.getBoundingClientRect().height;
        const isUsual = Math.abs(height - rowHeight) < 0.5;
        return [Number(row.getAttribute('data-number')), isUsual ? undefined : height] as const;
      }),
    );
  }

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return;
    latest.current = layout;
    // Heard, and rendered anew with what they are.
    if (measure()) return;
    if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
    scrolledTo.current = element.scrollTop;
    const { opened } = anchor.get();
    if (opened !== undefined) {
      const place = list.placeOf(opened);
      anchor.set({ opened: undefined });
      const missing = layout.topOf(place + 1) - top - viewHeight;
      // Heard as any other scrolling.
      if (missing > 0) element.scrollTop += Math.min(missing, layout.topOf(place) - top);
    }
    if (!isFollowing) return;
    keepTop(top);
    anchor.set({ seenTo: list.numberAt(size - 1) ?? -1 });
  });

  function onScroll(): void {
    const at = root.current?.scrollTop ?? 0;
    const isDown = at > scrolledTo.current;
    if (Math.abs(at - scrolledTo.current) < 1) return;
    scrolledTo.current = at;
    keepTop(at);
    if (isDown && at >= lowest - 2) onFollow(true);
    else if (isFollowing) onFollow(false);
    renderAgain();
  }

  /** Scrolls as little as is needed to have the line in view. */
  function show(place: number): void {
    const from = layout.topOf(place);
    const to = layout.topOf(place + 1);
    if (from < top) keepTop(from);
    else if (to > top + viewHeight) keepTop(Math.max(0, to - viewHeight));
    else keepTop(top);
  }

  function take(place: number, { extends: isExtending = false } = {}): void {
    const bounded = Math.max(0, Math.min(size - 1, place));
    const number = list.numberAt(bounded);
    if (number === undefined) return;
    setRange({ anchor: isExtending ? (range?.anchor ?? number) : number, focus: number });
    show(bounded);
    onFollow(false);
  }

  const onExpand = useCallback(
    (number: number) => {
      setExpanded((former) => {
        const next = new Set(former);
        if (!next.delete(number)) next.add(number);
        return next;
      });
      anchor.set({ opened: number });
      onFollow(false);
    },
    [onFollow, anchor],
  );
  const acts = useMemo((): RowActs => ({ onExpand, onAround }), [onExpand, onAround]);

  const isInRange = (number: number): boolean =>
    range !== undefined &&
    number >= Math.min(range.anchor, range.focus) &&
    number <= Math.max(range.anchor, range.focus);

  useImperativeHandle(handle, () => ({
    selected: () =>
      range === undefined
        ? []
        : entriesOf(
            list,
            list.placeOf(Math.min(range.anchor, range.focus)),
            list.placeOf(Math.max(range.anchor, range.focus) + 1),
          ),
    visible: () =>
      size === 0 ? [] : entriesOf(list, layout.placeAt(top), layout.placeAt(top + viewHeight - 1) + 1),
    goTo(number) {
      take(list.placeOf(number));
    },
    current: () => range?.focus,
  }));

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>): void {
    // Buttons inside of an opened line have keys of their own.
    if (event.target !== event.currentTarget || event.altKey) return;
    if (act(event)) event.preventDefault();
  }

  function act({ key, shiftKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
    const place = current === undefined ? undefined : list.placeOf(current);
    const page = Math.max(1, Math.floor(viewHeight / rowHeight) - 1);
    const isMod = ctrlKey || metaKey;
    if (isMod && key.toLowerCase() === 'a') {
      const [from, to] = [list.numberAt(0), list.numberAt(size - 1)];
      if (from !== undefined && to !== undefined) setRange({ anchor: from, focus: to });
      onFollow(false);
      return true;
    }
    if (isMod) return false;
    const bottom = layout.placeAt(top + viewHeight - 1);
    switch (key) {
      case 'ArrowDown':
      case 'j':
        take(place === undefined ? bottom : place + 1, { extends: shiftKey });
        return true;
      case 'ArrowUp':
      case 'k':
        take(place === undefined ? bottom : place - 1, { extends: shiftKey });
        return true;
      case 'PageDown':
        take((place ?? bottom) + page, { extends: shiftKey });
        return true;
      case 'PageUp':
        take((place ?? bottom) - page, { extends: shiftKey });
        return true;
      case 'Home':
        take(0, { extends: shiftKey });
        return true;
      case 'End':
        take(size - 1, { extends: shiftKey });
        if (!shiftKey) onFollow(true);
        return true;
      case 'Enter':
        if (current !== undefined) onExpand(current);
        return current !== undefined;
      case 'ArrowRight':
      case 'ArrowLeft':
        if (current === undefined || expanded.has(current) === (key === 'ArrowRight')) return false;
        onExpand(current);
        return true;
      case 'Escape':
        setRange(undefined);
        return range !== undefined;
      default:
        return false;
    }
  }

  function onPointerDown(event: PointerEvent<HTMLDivElement>): void {
    const { target, button, shiftKey, clientY } = event;
    if (button !== 0 || !(target instanceof Element) || target.closest('button, dl') !== null) return;
    if (target.closest('[data-number]') === null) return;
    const place = placeAtY(clientY);
    if (shiftKey) event.preventDefault();
    take(place, { extends: shiftKey });
    const start = shiftKey ? range?.anchor : list.numberAt(place);
    if (start !== undefined) drag(start);
  }

  function placeAtY(y: number): number {
    const element = root.current;
    if (element === null) return 0;
    return (latest.current ?? layout).placeAt(
      y - element.getBoundingClientRect().top - headHeight + element.scrollTop,
    );
  }

  /** Extends the range while the pointer is down, and scrolls where it leaves the list. */
  function drag(start: number): void {
    let y: number | undefined;
    let frame = 0;
    const step = (): void => {
      frame = requestAnimationFrame(step);
      const element = root.current;
      if (element === null || y === undefined) return;
      const { top: above, bottom } = element.getBoundingClientRect();
      if (y < above + headHeight) element.scrollTop -= rowHeight;
      else if (y > bottom) element.scrollTop += rowHeight;
      const number = list.numberAt(placeAtY(Math.max(above + headHeight, Math.min(bottom - 1, y))));
      if (number === undefined) return;
      // Over several lines whole lines are selected, for the text of those out of view is not in the document.
      if (number !== start) getSelection()?.removeAllRanges();
      setRange((former) =>
        former?.focus === number && former.anchor === start ? former : { anchor: start, focus: number },
      );
    };
    const move = (event: globalThis.PointerEvent): void => {
      y = event.clientY;
    };
    const end = (): void => {
      cancelAnimationFrame(frame);
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', end);
      removeEventListener('pointercancel', end);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
    step();
  }

  const template = ['18px', ...columns.map(({ width }) => width)].join(' ');
  const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    list.lineAt(first + index),
  );
  const isCurrentThere = lines.some((line) => line?.number === current);
  return (
    <div className={styles['frame']} role="log" aria-live="off" aria-label="Log">
      <div
        ref={root}
        role="grid"
        aria-label="Lines of the log"
        aria-multiselectable
        aria-rowcount={size + 1}
        aria-activedescendant={isCurrentThere ? `${id}-${current}` : undefined}
        tabIndex={0}
        className={`${styles['view']} ${wrapsLog ? styles['wrapping'] : ''}`}
        style={{ '--log-row': `${rowHeight}px`, '--log-columns': template } as CSSProperties}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onCopy={(event) => {
          // Text that was selected inside of a line is the browser's to copy.
          if (range === undefined || getSelection()?.isCollapsed === false) return;
          event.preventDefault();
          onCopy();
        }}
      >
        <div role="row" aria-rowindex={1} className={styles['head']}>
          <span role="columnheader" className={styles['opener']}>
            <span className={styles['unseen']}>All fields</span>
          </span>
          {columns.map(({ id: name, title, isEnd }) => (
            <span key={name} role="columnheader" className={isEnd === true ? styles['end'] : undefined}>
              {title}
            </span>
          ))}
        </div>
        <div role="presentation" className={styles['room']} style={{ height: layout.height }}>
          <div
            ref={body}
            role="presentation"
            className={styles['body']}
            style={{ transform: `translateY(${layout.topOf(first)}px)` }}
          >
            {lines.map(
              (line, index) =>
                line !== undefined && (
                  <LogRow
                    key={line.number}
                    id={`${id}-${line.number}`}
                    number={line.number}
                    entry={line.entry}
                    isMatch={isHighlight && line.isMatch}
                    place={first + index}
                    columns={columns}
                    context={context}
                    acts={acts}
                    isSelected={isInRange(line.number)}
                    isCurrent={line.number === current}
                    isExpanded={expanded.has(line.number)}
                  />
                ),
            )}
          </div>
        </div>
      </div>
      {newCount > 0 && (
        <div className={styles['news']}>
          <Button look="primary" onPress={() => onFollow(true)}>
            {formatCount(newCount)} new {newCount === 1 ? 'line' : 'lines'} (End)
          </Button>
        </div>
      )}
      {/* Every count would drown whatever else is said. */}
      <div role="status" className={styles['unseen']}>
        {isFollowing ? '' : `Paused. ${newsOf(newCount)}`}
      </div>
    </div>
  );
}

function newsOf(count: number): string {
  const step = [1000, 100, 10, 1].find((each) => count >= each);
  return step === undefined ? '' : `At least ${formatCount(step)} new ${step === 1 ? 'line' : 'lines'}.`;
}

/** The entries at places from one on and before another; gaps aside. */
export function entriesOf(list: LogList, from: number, to: number): readonly LogEntry[] {
  const found: LogEntry[] = [];
  for (let place = Math.max(0, from); place < to; place += 1) {
    const entry = list.lineAt(place)?.entry;
    if (entry !== undefined && !isGap(entry)) found.push(entry);
  }
  return found;
}
