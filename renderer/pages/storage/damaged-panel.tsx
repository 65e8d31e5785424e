import { CircleAlert, CircleCheck, Info, ShieldCheck, Trash2 } from 'lucide-react';
import type { DamageRow } from '../../../registry/spec/admin/integrity.ts';
import { formatExactBytes, formatPlural, shortDigest } from '../../format.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CliLine, CopyButton } from '../../parts/copy.tsx';
import { ConfirmDialog, Dialog, openDialog } from '../../parts/dialog.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Bytes, Chip, Digest, Facts, Time } from '../../parts/values.tsx';
import { useAsk, useRefresh, useRows } from '../../state/calls.ts';
import { GridBox } from './grid-box.tsx';
import { damageWords } from './words.ts';
import styles from './storage.module.css';

const columns: readonly Column<DamageRow>[] = [
  { id: 'digest', title: 'Digest', width: '96px', cell: ({ digest }) => <Digest value={digest} /> },
  { id: 'state', title: 'State', width: '112px', cell: ({ state }) => <State state={state} /> },
  { id: 'size', title: 'Size', width: '64px', align: 'end', cell: ({ size }) => <Bytes value={size} /> },
  {
    id: 'tags',
    title: 'Breaks',
    width: 'minmax(120px, 2fr)',
    cell: ({ tags, repositories }) => <Breaks tags={tags} repositories={repositories} />,
  },
  {
    id: 'hint',
    title: 'What heals it',
    width: 'minmax(160px, 1.5fr)',
    fromWidth: 700,
    cell: ({ hint }) => <span title={hint}>{hint}</span>,
  },
  { id: 'at', title: 'Found', width: '110px', fromWidth: 960, cell: ({ at }) => <Time at={at} /> },
  {
    id: 'acts',
    title: 'Acts',
    width: '68px',
    canHide: false,
    cell: (row, { excludeFromTabOrder }) => (
      <>
        <IconButton
          label={`Details of ${shortDigest(row.digest)}`}
          excludeFromTabOrder={excludeFromTabOrder}
          onPress={() => openDetails(row)}
        >
          <Info />
        </IconButton>
        <IconButton
          label={`Forget ${shortDigest(row.digest)}`}
          excludeFromTabOrder={excludeFromTabOrder}
          onPress={() => openForget(row)}
        >
          <Trash2 />
        </IconButton>
      </>
    ),
  },
];

function State({ state }: Pick<DamageRow, 'state'>) {
  return (
    <Chip
      tone={state === 'healed' ? 'ok' : 'err'}
      icon={state === 'healed' ? <CircleCheck aria-hidden /> : <CircleAlert aria-hidden />}
      title={damageWords[state].text}
    >
      {damageWords[state].word}
    </Chip>
  );
}

function Breaks({ tags, repositories }: Pick<DamageRow, 'tags' | 'repositories'>) {
  const [first] = tags;
  if (first === undefined)
    return (
      <span className={styles['muted']}>
        {repositories.length === 0 ? 'nothing that is known' : `no tag; needed in ${repositories.join(', ')}`}
      </span>
    );
  return (
    <span title={tags.join(', ')}>
      <code>{first}</code>
      {tags.length > 1 && ` and ${tags.length - 1} more`}
    </span>
  );
}

/** What was found damaged, what that breaks, and what makes it whole. */
export function DamagedPanel() {
  const list = useRows('damaged.list', {});
  return (
    <Panel
      title="Damaged content"
      actions={list.total > 0 && <span className={styles['muted']}>{formatPlural(list.total, 'blob')}</span>}
    >
      <Listed list={list} rows={3}>
        {list.total > 0 && (
          <p className={styles['muted']}>
            A push of an image that has it heals what is damaged: clients send again what the registry lacks.
          </p>
        )}
        <GridBox rows={list.total} most={14}>
          <Grid
            label="Damaged content"
            columns={columns}
            rows={list.rows}
            total={list.total}
            need={list.need}
            keyOf={({ digest }) => digest}
            onOpen={openDetails}
            onKey={(event, row) => {
              if (event.key !== 'Delete') return false;
              openForget(row);
              return true;
            }}
            isStale={list.isStale}
            empty={
              <Empty icon={<ShieldCheck />} title="Nothing is known to be damaged">
                <p>What a check, or a pull, finds to be others than its digest says is listed here.</p>
              </Empty>
            }
          />
        </GridBox>
      </Listed>
    </Panel>
  );
}

function openDetails(row: DamageRow): void {
  void openDialog((close) => <DamageDialog row={row} onClose={close} />);
}

function openForget(row: DamageRow): void {
  void openDialog((close) => <ForgetDialog row={row} onClose={close} />);
}

function DamageDialog({ row, onClose }: { readonly row: DamageRow; readonly onClose: () => void }) {
  const { digest, state, size, found, at, repositories, tags, hint } = row;
  return (
    <Dialog title="Damaged content" onClose={onClose} buttons={<Button onPress={onClose}>Close</Button>}>
      <p>
        {damageWords[state].text} {hint}
      </p>
      <Facts
        rows={[
          ['State', <State key="state" state={state} />],
          [
            'Digest',
            <span key="digest" className={styles['location']}>
              <code>{digest}</code>
              <CopyButton text={digest} label="Copy digest" />
            </span>,
          ],
          ['Was there instead', found !== undefined && <code key="value">{found}</code>],
          ['Size', formatExactBytes(size)],
          ['Found', <Time key="at" at={at} />],
          ['Needed in', repositories.join(', ')],
          [
            'Tags that break',
            tags.length > 0 && (
              <ul key="value" className={styles['plainList']}>
                {tags.map((tag) => (
                  <li key={tag}>
                    <code>{tag}</code>
                  </li>
                ))}
              </ul>
            ),
          ],
        ]}
      />
      <CliLine command="berth verify --status" />
    </Dialog>
  );
}

function ForgetDialog({ row, onClose }: { readonly row: DamageRow; readonly onClose: () => void }) {
  const { digest, size, state, tags } = row;
  const ask = useAsk();
  const refresh = useRefresh();
  return (
    <ConfirmDialog
      title="Forget this damage?"
      verb="Forget 1 blob"
      cli={`berth verify --forget ${digest}`}
      isWrite
      act={async () => {
        await ask('damaged.forget', { digest });
        refresh('damaged.list', 'scrub.status', 'usage.get');
        toast({ text: `${shortDigest(digest)} is off the list.` });
      }}
      onClose={onClose}
    >
      <p>
        For content that nobody will push again.{' '}
        {state === 'quarantined'
          ? `The ${formatExactBytes(size)} that were put aside are deleted, and cannot be brought back.`
          : 'It is taken off the list; the next check finds it again if it is needed.'}
      </p>
      <Facts
        rows={[
          ['Digest', <code key="digest">{digest}</code>],
          ['Tags that stay broken', tags.length > 0 && tags.slice(0, 20).join(', ')],
        ]}
      />
    </ConfirmDialog>
  );
}
