import { History } from 'lucide-react';
import { useCallback, useMemo } from 'react';
import type { MoveRow } from '../../../registry/spec/admin/content.ts';
import { parseTag } from '../../../registry/spec/names.ts';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Digest, Time } from '../../parts/values.tsx';
import { hrefOf, navigate, useParam } from '../../route.ts';
import { useRows } from '../../state/calls.ts';
import { useRefusal } from '../../state/refusal.ts';
import { useRollback } from '../image/use-rollback.ts';
import styles from './repository.module.css';

/** Every move, delete and restore of the tags, and the way back. */
export function HistoryTab({ repository }: { readonly repository: string }) {
  const [tag, setTag] = useParam('tag');
  const isTag = parseTag(tag) !== undefined;
  const list = useRows('history.list', { repository, ...(isTag ? { tag } : {}) });
  const present = useMemo(() => meaningsIn(list.rows), [list.rows]);
  const rollBack = useRollback(repository);
  const refusal = useRefusal(repository);
  const onRestore = useCallback(
    (row: MoveRow): void => {
      const { tag: name, from: digest } = row;
      if (digest !== undefined && canGoBack(row, present))
        void rollBack({ tag: name, digest, present: present.get(name) });
    },
    [rollBack, present],
  );
  const columns = useMemo(
    () => columnsOf({ repository, present, refusal, onRestore }),
    [repository, present, refusal, onRestore],
  );
  return (
    <>
      <Bar label="Filter">
        <SearchInput isMain label="Only the tag" value={tag} onChange={setTag} />
        <div className={styles['end']}>
          <ColumnsMenu name="history" columns={columns} />
        </div>
        {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
        {tag !== '' && !isTag && <Notice kind="info">That is no tag: all are shown.</Notice>}
      </Bar>
      <Listed list={list}>
        <Grid
          label="History"
          name="history"
          columns={columns}
          rows={list.rows}
          total={list.total}
          keyOf={keyOf}
          need={list.need}
          isStale={list.isStale}
          onOpen={({ from, to }) => {
            const reference = to ?? from;
            if (reference !== undefined) navigate({ page: 'image', repository, reference });
          }}
          onKey={({ key, ctrlKey, metaKey }, row) => {
            if (key !== 'r' || ctrlKey || metaKey) return false;
            onRestore(row);
            return true;
          }}
          empty={
            <Empty icon={<History />} title={isTag ? `Nothing is known of ${tag}` : 'No history yet'}>
              Pushes, moves and deletes of tags are noted here.
            </Empty>
          }
        />
      </Listed>
    </>
  );
}

/** What each tag means at present: what its newest row says. */
function meaningsIn(rows: readonly MoveRow[]): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const { tag, to } of rows) if (!found.has(tag)) found.set(tag, to);
  return found;
}

function keyOf({ at, tag, kind, from, to }: MoveRow): string {
  return [at, tag, kind, from, to].join(' ');
}

function columnsOf({
  repository,
  present,
  refusal,
  onRestore,
}: {
  readonly repository: string;
  readonly present: ReadonlyMap<string, string | undefined>;
  /** Why no tag is moved at present. */
  readonly refusal: string | undefined;
  readonly onRestore: (row: MoveRow) => void;
}): readonly Column<MoveRow>[] {
  const manifest = (digest: string | undefined, tabIndex: number) =>
    digest === undefined ? (
      <span className={styles['note']}>nothing</span>
    ) : (
      <a href={hrefOf({ page: 'image', repository, reference: digest })} tabIndex={tabIndex}>
        <Digest value={digest} />
      </a>
    );
  return [
    { id: 'at', title: 'When', width: '104px', canHide: false, cell: ({ at }) => <Time at={at} /> },
    {
      id: 'tag',
      title: 'Tag',
      width: 'minmax(116px, 2fr)',
      canHide: false,
      cell: ({ tag }) => (
        <span className={styles['tag']} title={tag}>
          {tag}
        </span>
      ),
    },
    { id: 'what', title: 'What', width: '88px', cell: wordFor },
    {
      id: 'from',
      title: 'From',
      width: '96px',
      fromWidth: 760,
      cell: ({ from }, { excludeFromTabOrder }) => manifest(from, excludeFromTabOrder ? -1 : 0),
    },
    {
      id: 'to',
      title: 'To',
      width: '96px',
      cell: ({ to }, { excludeFromTabOrder }) => manifest(to, excludeFromTabOrder ? -1 : 0),
    },
    { id: 'by', title: 'By', width: 'minmax(64px, 1fr)', cell: ({ by }) => by ?? 'unknown' },
    { id: 'client', title: 'Client', width: '120px', fromWidth: 884, cell: ({ client }) => client },
    {
      id: 'restore',
      title: 'Back',
      width: '76px',
      canHide: false,
      cell: (row, { excludeFromTabOrder }) =>
        canGoBack(row, present) && (
          <button
            type="button"
            className={styles['restore']}
            tabIndex={excludeFromTabOrder ? -1 : 0}
            aria-label={`Restore ${row.tag} to what it meant before`}
            disabled={refusal !== undefined}
            title={`Let ${row.tag} mean ${row.from ?? ''} again`}
            onClick={() => onRestore(row)}
          >
            Restore
          </button>
        ),
    },
  ];
}

/** There was something before, and the tag means something else now. */
function canGoBack({ tag, from }: MoveRow, present: ReadonlyMap<string, string | undefined>): boolean {
  return from !== undefined && present.get(tag) !== from;
}

function wordFor({ kind, from, to }: MoveRow): string {
  if (kind === 'delete') return 'Deleted';
  if (kind === 'restore') return 'Restored';
  if (from === undefined) return 'Created';
  return from === to ? 'Pushed again' : 'Moved';
}
