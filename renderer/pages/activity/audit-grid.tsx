import { History, ScrollText } from 'lucide-react';
import { type KeyboardEvent, useMemo } from 'react';
import type { AuditKind, AuditRow } from '../../../registry/spec/audit.ts';
import { formatAbsolute, formatReference, formatRelative } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { type CellState, type Column, Grid } from '../../parts/grid.tsx';
import { Empty } from '../../parts/states.tsx';
import { hrefOf } from '../../route.ts';
import type { Rows } from '../../state/calls.ts';
import { useNow } from '../../state/clock.ts';
import { kindLooks, wordOf } from './audit-words.ts';
import { type DayRow, groupByDay } from './day.ts';
import { openEntry } from './entry-dialog.tsx';
import { PlaceLink } from './place-link.tsx';
import styles from './activity.module.css';

type Row = DayRow<AuditRow>;

/** What was changed by whom, the newest first, by day. */
export function AuditGrid({
  list,
  isFiltered,
  onClear,
}: {
  readonly list: Rows<AuditRow>;
  readonly isFiltered: boolean;
  readonly onClear: () => void;
}) {
  const now = useNow();
  const rows = useMemo(() => groupByDay(list.rows, now), [list.rows, now]);
  return (
    <Grid
      label="What was changed"
      name="activity"
      columns={columns}
      rows={rows}
      // The registry does not count: one more row stands for all that is older.
      total={rows.length + (list.hasMore ? 1 : 0)}
      keyOf={({ key }) => key}
      need={(index) => list.need(index - rows.length + list.rows.length)}
      onOpen={(row) => row.kind === 'row' && openEntry(row.row)}
      onKey={onKey}
      wide={(row) => (row.kind === 'day' ? <h3 className={styles['day']}>{row.title}</h3> : undefined)}
      isStale={list.isStale}
      empty={<Nothing isFiltered={isFiltered} onClear={onClear} />}
    />
  );
}

function Nothing({ isFiltered, onClear }: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  return isFiltered ? (
    <Empty icon={<History />} title="Nothing of the kind happened">
      <Button onPress={onClear}>Clear the filter</Button>
    </Empty>
  ) : (
    <Empty icon={<History />} title="Nothing has happened yet">
      <p>Pushes, deletes, refused logins and every change of a setting are noted here.</p>
    </Empty>
  );
}

/** `y` copies the reference and `d` the digest. */
function onKey({ key, ctrlKey, metaKey, altKey }: KeyboardEvent, each: Row): boolean {
  if (each.kind === 'day' || ctrlKey || metaKey || altKey) return false;
  const { repository, tag, digest } = each.row;
  if (key === 'd' && digest !== undefined) return copied(digest, 'Digest copied');
  const reference = tag ?? digest;
  if (key !== 'y' || repository === undefined) return false;
  const name = reference === undefined ? repository : formatReference(repository, reference);
  return copied(name, 'Reference copied');
}

function copied(text: string, what: string): true {
  void copyText(text, what);
  return true;
}

function column(
  facts: Omit<Column<Row>, 'cell'>,
  cell: (row: AuditRow, state: CellState) => ReturnType<Column<Row>['cell']>,
): Column<Row> {
  return { ...facts, cell: (each, state) => (each.kind === 'row' ? cell(each.row, state) : null) };
}

/** What is named there cannot be looked at any more. */
const gone: ReadonlySet<AuditKind> = new Set([
  'tagDeleted',
  'manifestDeleted',
  'blobDeleted',
  'writeRefused',
]);

export const columns: readonly Column<Row>[] = [
  column({ id: 'at', title: 'Time', width: '64px', canHide: false }, ({ at }) => <Clock at={at} />),
  column({ id: 'kind', title: 'What', width: '152px', canHide: false }, (row) => <Kind row={row} />),
  column({ id: 'of', title: 'Of', width: 'minmax(160px, 4fr)', canHide: false }, (row, state) => (
    <Subject row={row} state={state} />
  )),
  column({ id: 'by', title: 'By', width: 'minmax(64px, 1fr)' }, ({ user }) =>
    user === undefined ? <span className={styles['faint']}>nobody</span> : <span title={user}>{user}</span>,
  ),
  column({ id: 'client', title: 'With', width: '110px', fromWidth: 860 }, ({ client }) => (
    <span title={client}>{client}</span>
  )),
  column({ id: 'address', title: 'From', width: '110px', fromWidth: 980 }, ({ address }) => (
    <span title={address}>{address ?? 'this computer'}</span>
  )),
  column(
    { id: 'detail', title: 'Detail', width: 'minmax(120px, 4fr)', fromWidth: 780 },
    ({ detail, count }) => (
      <span title={detail} className={styles['muted']}>
        {[count === undefined ? '' : `${count} times`, detail ?? ''].filter((part) => part !== '').join(', ')}
      </span>
    ),
  ),
  column({ id: 'log', title: 'Log', width: '60px' }, (row, { excludeFromTabOrder }) => {
    const isFailed = row.outcome === 'failed';
    const request = isFailed ? row.requestId : row.failedRequest;
    if (request === undefined) return null;
    return (
      <a
        href={hrefOf({ page: 'logs' }, { request })}
        tabIndex={excludeFromTabOrder ? -1 : 0}
        className={styles['log']}
        title={
          isFailed
            ? 'The lines of this request in the log'
            : 'It had failed before: the lines of that in the log'
        }
      >
        <ScrollText aria-hidden /> {isFailed ? 'Log' : 'Before'}
      </a>
    );
  }),
];

/** The time of the day; the rest stands above the row. */
function Clock({ at }: { readonly at: string }) {
  const now = useNow();
  const text = formatAbsolute(at);
  return (
    <time dateTime={at} title={`${text}, ${formatRelative(at, now)}`}>
      {text.slice(11)}
    </time>
  );
}

function Kind({ row }: { readonly row: AuditRow }) {
  const { Icon } = kindLooks[row.kind];
  return (
    <span className={`${styles['kind']} ${row.outcome === 'failed' ? styles['failed'] : ''}`}>
      <Icon aria-hidden />
      {wordOf(row)}
    </span>
  );
}

function Subject({ row, state }: { readonly row: AuditRow; readonly state: CellState }) {
  const { kind, repository, subject } = row;
  if (repository === undefined) return <span title={subject}>{subject}</span>;
  if (kind === 'repositoryDeleted') return <code>{repository}</code>;
  return <PlaceLink of={row} isGone={gone.has(kind)} {...state} />;
}
