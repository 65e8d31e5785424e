import { memo } from 'react';
import type { LogRecord } from '../../../registry/spec/log-record.ts';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { isGap, type LogEntry, lineOf, requestIdOf } from '../../state/log-list.ts';
import { type CellContext, isOfRequest, type LogColumn, Marked, textOf } from './columns.tsx';
import styles from './logs.module.css';

export interface RowActs {
  readonly onExpand: (number: number) => void;
  /** Shows what happened half a minute before and after. */
  readonly onAround: (at: number) => void;
}

export interface LogRowProps {
  readonly id: string;
  readonly number: number;
  readonly entry: LogEntry;
  /** It has the pattern of the filter, and is shown among those that have not. */
  readonly isMatch: boolean;
  readonly place: number;
  readonly columns: readonly LogColumn[];
  readonly context: CellContext;
  readonly acts: RowActs;
  readonly isSelected: boolean;
  readonly isCurrent: boolean;
  readonly isExpanded: boolean;
}

export const LogRow = memo(function LogRow(props: LogRowProps) {
  const { id, number, entry, isMatch, place, columns, context, acts } = props;
  const { isSelected, isCurrent, isExpanded } = props;
  const row = {
    id,
    role: 'row',
    'aria-rowindex': place + 2,
    'aria-selected': isSelected,
    'data-number': number,
    'data-current': isCurrent || undefined,
  } as const;
  if (isGap(entry)) {
    return (
      <div {...row} className={`${styles['row']} ${styles['gap']}`}>
        <span role="gridcell" className={styles['gapText']}>
          {entry.gap}
        </span>
      </div>
    );
  }
  return (
    <div {...row} className={`${styles['row']} ${isMatch ? styles['match'] : ''}`}>
      <div role="presentation" className={styles['cells']}>
        <span role="gridcell" className={styles['opener']}>
          <button
            type="button"
            tabIndex={-1}
            aria-expanded={isExpanded}
            aria-label="All fields"
            onClick={() => acts.onExpand(number)}
          />
        </span>
        {columnsOf(entry, columns).map(({ column, span }) => (
          <span
            key={column.id}
            role="gridcell"
            className={`${styles['cell']} ${column.isEnd === true ? styles['end'] : ''} ${column.look?.(entry) ?? ''}`}
            title={column.hint?.(entry)}
            {...(span === 1 ? {} : { 'aria-colspan': span, style: { gridColumn: `span ${span}` } })}
          >
            {column.cell(entry, context)}
          </span>
        ))}
      </div>
      {isExpanded && <Details record={entry} context={context} acts={acts} />}
    </div>
  );
});

/** The columns that a record has, and how many of the list each takes. */
function columnsOf(
  record: LogRecord,
  columns: readonly LogColumn[],
): readonly { readonly column: LogColumn; readonly span: number }[] {
  if (isOfRequest(record)) return columns.map((column) => ({ column, span: 1 }));
  const message = columns.findIndex(({ id }) => id === 'message');
  const after = columns.findIndex((column, at) => at > message && column.isOfRequest !== true);
  const end = after === -1 ? columns.length : after;
  return columns
    .map((column, at) => ({ column, span: at === message ? end - message : 1 }))
    .filter((_, at) => at <= message || at >= end);
}

/** Every field of a record, and what to do about it. */
function Details({
  record,
  context,
  acts,
}: {
  readonly record: LogRecord;
  readonly context: CellContext;
  readonly acts: RowActs;
}) {
  const { at, level, sys, event, msg, fields } = record;
  const { hint, ...others } = fields;
  const requestId = requestIdOf(record);
  const rows = [
    ['time', new Date(at).toISOString()],
    ['level', level],
    ['sys', sys],
    ['event', event],
    ['msg', msg],
    ...Object.entries(others)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => [name, textOf(value)] as const),
  ] as const;
  return (
    <div role="gridcell" className={styles['details']}>
      {hint !== undefined && <p className={styles['hint']}>{textOf(hint)}</p>}
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Marked text={value} pattern={context.pattern} />
            </dd>
          </div>
        ))}
      </dl>
      <div className={styles['detailActs']}>
        {requestId !== undefined && (
          <Button onPress={() => context.onRequest(requestId)}>Only this request</Button>
        )}
        <Button onPress={() => acts.onAround(at)}>30 seconds around it</Button>
        <Button onPress={() => void copyText(lineOf(record), 'Line copied')}>Copy line</Button>
        <Button onPress={() => void copyText(lineOf(record, 'json'), 'JSON copied')}>Copy as JSON</Button>
      </div>
    </div>
  );
}
