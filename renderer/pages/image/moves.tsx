import { History as HistoryIcon, Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { MoveRow } from '../../../registry/spec/admin/content.ts';
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Chooser } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Digest, Time } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { hrefOf, navigate } from '../../route.ts';
import { type Rows, useRows } from '../../state/calls.ts';
import { useRefusal } from '../../state/refusal.ts';
import { ColumnsBar } from './columns-bar.tsx';
import { useRollback } from './use-rollback.ts';
import styles from './image.module.css';

/** Where the tag pointed to, and since when. */
export function Moves({ detail, reference }: { readonly detail: ImageDetail; readonly reference: string }) {
  const { repository, digest, tags } = detail;
  const isTag = !reference.includes(':');
  const [chosen, setChosen] = useState(isTag ? reference : tags[0]?.tag);
  const moves = useRows(
    'history.list',
    { repository, ...(chosen === undefined ? {} : { tag: chosen }) },
    { isWanted: chosen !== undefined },
  );
  if (chosen === undefined)
    return (
      <Empty icon={<HistoryIcon />} title="No tag means this digest">
        <p>Moves are kept of tags. Add a tag to keep this image when untagged ones are cleaned up.</p>
      </Empty>
    );
  return (
    <>
      {!isTag && tags.length > 1 && (
        <Bar label="History">
          <Chooser
            label="Tag"
            isLabelHidden
            value={chosen}
            choices={tags.map(({ tag }) => ({ id: tag, label: tag }))}
            onChange={setChosen}
          />
        </Bar>
      )}
      <Listed list={moves}>
        <MoveList moves={moves} repository={repository} tag={chosen} current={digest} />
      </Listed>
      <div className={styles['foot']}>
        <CliLine command={`berth history ${repository}:${chosen}`} />
        <CliLine command={`berth tag ${repository}:${chosen} DIGEST`} />
      </div>
    </>
  );
}

/** The moves of one tag, each with the way back to it. `current` is what the tag means. */
export function MoveList({
  moves,
  repository,
  tag,
  current,
}: {
  readonly moves: Rows<MoveRow>;
  readonly repository: string;
  readonly tag: string;
  readonly current: string | undefined;
}) {
  const rollBack = useRollback(repository);
  const refusal = useRefusal(repository);
  const restore = (row: MoveRow): boolean => {
    const to = targetOf(row);
    if (to === undefined || to === current) return false;
    void rollBack({ tag, digest: to, present: current });
    return true;
  };
  const link = (digest: string | undefined, isOut: boolean) =>
    digest === undefined ? (
      <span className={styles['muted']}>nothing</span>
    ) : (
      <a href={hrefOf({ page: 'image', repository, reference: digest })} tabIndex={isOut ? -1 : 0}>
        <Digest value={digest} />
      </a>
    );
  const columns: readonly Column<MoveRow>[] = [
    { id: 'at', title: 'When', width: '130px', canHide: false, cell: ({ at }) => <Time at={at} /> },
    { id: 'what', title: 'What', width: '110px', cell: (row) => wordOf(row) },
    {
      id: 'from',
      title: 'From',
      width: '110px',
      fromWidth: 780,
      cell: ({ from }, { excludeFromTabOrder }) => link(from, excludeFromTabOrder),
    },
    {
      id: 'to',
      title: 'To',
      width: '110px',
      cell: ({ to }, { excludeFromTabOrder }) => link(to, excludeFromTabOrder),
    },
    {
      id: 'by',
      title: 'By',
      width: 'minmax(80px, 1fr)',
      cell: ({ by }) => <span>{by === undefined ? 'unknown' : formatForeign(by)}</span>,
    },
    {
      id: 'client',
      title: 'Client',
      width: 'minmax(90px, 1fr)',
      fromWidth: 900,
      cell: ({ client }) => <span>{client === undefined ? '' : formatForeign(client)}</span>,
    },
    {
      id: 'restore',
      title: 'Restore',
      canHide: false,
      width: '100px',
      cell: (row, { excludeFromTabOrder }) => {
        const to = targetOf(row);
        if (to === undefined) return undefined;
        if (to === current) return <span className={styles['muted']}>current</span>;
        return (
          <Button
            look="quiet"
            icon={<Undo2 />}
            isDisabled={refusal !== undefined}
            excludeFromTabOrder={excludeFromTabOrder}
            onPress={() => restore(row)}
          >
            Restore
          </Button>
        );
      },
    },
  ];
  return (
    <>
      <ColumnsBar name="moves" columns={columns} />
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      <Grid
        label={`Moves of ${tag}`}
        name="moves"
        columns={columns}
        rows={moves.rows}
        total={moves.total}
        keyOf={({ at, kind, from, to }) => `${at} ${kind} ${from ?? ''} ${to ?? ''}`}
        need={moves.need}
        isStale={moves.isStale}
        onOpen={(row) => {
          const to = targetOf(row);
          if (to !== undefined) navigate({ page: 'image', repository, reference: to });
        }}
        onKey={(event, row) => event.key === 'r' && !event.ctrlKey && !event.metaKey && restore(row)}
        empty={
          <Empty icon={<HistoryIcon />} title="No moves are known">
            <p>Moves are noted from the first push to this registry on.</p>
          </Empty>
        }
      />
    </>
  );
}

/** What the tag meant after the move; of a delete, before it. */
function targetOf({ from, to }: MoveRow): string | undefined {
  return to ?? from;
}

function wordOf({ kind, from, to }: MoveRow): string {
  if (kind === 'delete') return 'Deleted';
  if (kind === 'restore') return 'Restored';
  if (from === undefined) return 'New';
  return from === to ? 'Pushed again' : 'Moved';
}
