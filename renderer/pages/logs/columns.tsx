import type { ReactNode } from 'react';
import type { FieldValue, LogRecord } from '../../../registry/spec/log-record.ts';
import { formatBytes, formatClock, formatExactBytes, shortDigest } from '../../format.ts';
import type { Pattern } from '../../pattern.ts';
import { Chip } from '../../parts/values.tsx';
import { isChallenge, requestIdOf } from '../../state/log-list.ts';
import styles from './logs.module.css';

export interface CellContext {
  readonly isUtc: boolean;
  readonly pattern: Pattern | undefined;
  /** Shows this request alone. */
  readonly onRequest: (id: string) => void;
}

export interface LogColumn {
  readonly id: string;
  readonly title: string;
  /** A track of a CSS grid. */
  readonly width: string;
  readonly isEnd?: boolean;
  /** False for one that cannot be hidden. */
  readonly canHide?: boolean;
  /** Only lines about a request have it; what others say takes its room. */
  readonly isOfRequest?: boolean;
  /** Hidden where the list is narrower than so many pixels. */
  readonly fromWidth?: number;
  readonly cell: (record: LogRecord, context: CellContext) => ReactNode;
  /** The class of the cell itself: a line has few elements, for many lines come a second. */
  readonly look?: (record: LogRecord) => string | undefined;
  /** Of the cell, on hover. */
  readonly hint?: (record: LogRecord) => string;
}

export const logColumns: readonly LogColumn[] = [
  {
    id: 'time',
    title: 'Time',
    width: '88px',
    cell: ({ at }, { isUtc }) => formatClock(at, isUtc),
    look: () => styles['dim'],
    hint: ({ at }) => new Date(at).toISOString(),
  },
  {
    id: 'level',
    title: 'Level',
    width: '44px',
    cell: ({ level }) => level,
    look: ({ level }) => styles[level],
  },
  { id: 'sys', title: 'Source', width: '46px', cell: ({ sys }) => sys, look: () => styles['dim'] },
  {
    id: 'message',
    title: 'Message',
    width: 'minmax(180px, 3fr)',
    canHide: false,
    cell: (record, { pattern }) => {
      const [words = '', ...about] = wordsOf(record);
      return (
        <>
          {isChallenge(record) && (
            <>
              <Chip>challenge</Chip>{' '}
            </>
          )}
          <Marked text={words} pattern={pattern} />
          {about.map((text, index) => (
            <span key={index} className={styles['about']}>
              <Marked text={text} pattern={pattern} />
            </span>
          ))}
        </>
      );
    },
  },
  { ...fieldColumn('method', 'Method', '50px', 'http.request.method'), isOfRequest: true },
  { ...fieldColumn('path', 'Path', 'minmax(140px, 2fr)', 'http.request.uri'), isOfRequest: true },
  {
    id: 'status',
    title: 'Status',
    isOfRequest: true,
    width: '44px',
    cell: ({ fields }) => textOf(fields['http.response.status']),
    look: ({ fields }) => styles[toneOf(Number(fields['http.response.status'] ?? 0))],
  },
  {
    id: 'bytes',
    title: 'Bytes',
    isOfRequest: true,
    width: '58px',
    isEnd: true,
    fromWidth: 1080,
    cell: ({ fields }) => {
      const bytes = fields['http.response.written'];
      return bytes === undefined ? '' : formatBytes(Number(bytes));
    },
    hint: ({ fields }) => formatExactBytes(Number(fields['http.response.written'] ?? 0)),
  },
  {
    id: 'duration',
    title: 'Duration',
    isOfRequest: true,
    width: '66px',
    isEnd: true,
    cell: ({ fields }) => shortDuration(textOf(fields['http.response.duration'])),
    hint: ({ fields }) => textOf(fields['http.response.duration']),
  },
  fieldColumn('user', 'User', 'minmax(60px, 0.5fr)', 'auth.user.name', 980),
  {
    id: 'request',
    title: 'Request',
    width: '62px',
    cell: (record, { onRequest }) => {
      const id = requestIdOf(record);
      return id === undefined ? null : (
        <button
          type="button"
          tabIndex={-1}
          className={styles['request']}
          title={`Only the request ${id}`}
          onClick={() => onRequest(id)}
        >
          {id.slice(0, 8)}
        </button>
      );
    },
  },
];

function fieldColumn(id: string, title: string, width: string, field: string, fromWidth?: number): LogColumn {
  return {
    id,
    title,
    width,
    ...(fromWidth === undefined ? {} : { fromWidth }),
    cell: ({ fields }, { pattern }) => <Marked text={textOf(fields[field])} pattern={pattern} />,
    look: () => styles['dim'],
    hint: ({ fields }) => textOf(fields[field]),
  };
}

export function isOfRequest({ fields }: LogRecord): boolean {
  return fields['http.request.uri'] !== undefined;
}

/** What happened, then what it happened to where no other column says so. */
function wordsOf(record: LogRecord): readonly string[] {
  const { msg, fields } = record;
  const reason = textOf(fields['err.message']);
  // That a request went wrong is in its status; why is not.
  if (isOfRequest(record)) return [reason === '' ? msg : reason];
  const size = fields['size'];
  const about = [
    reason,
    textOf(fields['vars.name']),
    textOf(fields['vars.reference']),
    shortDigest(textOf(fields['vars.digest'])),
    size === undefined ? '' : formatBytes(Number(size)),
    textOf(fields['subsystem']),
    textOf(fields['to']),
  ];
  return [msg, ...about.filter((text) => text !== '')];
}

export function textOf(value: FieldValue): string {
  if (value === undefined) return '';
  return typeof value === 'object' ? value.join(' ') : String(value);
}

function toneOf(status: number): 'bad' | 'refused' | 'fine' {
  if (status >= 500) return 'bad';
  return status >= 400 ? 'refused' : 'fine';
}

/** `2.021411ms` as `2.02ms`: three digits tell enough. */
function shortDuration(text: string): string {
  return text.replace(/^(\d+\.\d+)(ms|s|µs)$/, (_, value: string, unit: string) => {
    return `${Number(Number(value).toPrecision(3))}${unit}`;
  });
}

/** A text with what the pattern finds in it set off. */
export function Marked({ text, pattern }: { readonly text: string; readonly pattern: Pattern | undefined }) {
  const ranges = pattern?.ranges(text) ?? [];
  if (ranges.length === 0) return text;
  const ends = [0, ...ranges.map(([, end]) => end)];
  return (
    <>
      {ranges.map(([start, end], index) => (
        <span key={start}>
          {text.slice(ends[index], start)}
          <mark className={styles['mark']}>{text.slice(start, end)}</mark>
        </span>
      ))}
      {text.slice(ends.at(-1))}
    </>
  );
}
