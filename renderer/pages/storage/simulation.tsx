import { CircleMinus, CircleCheck, ListChecks } from 'lucide-react';
import type {
  ChangedRules,
  DecisionRow,
  Outcome,
  SimulationRow,
} from '../../../registry/spec/admin/rules.ts';
import { formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { CliLine } from '../../parts/copy.tsx';
import { Chooser } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Bytes, Chip, Digest, Time } from '../../parts/values.tsx';
import { hrefOf, useParam } from '../../route.ts';
import { type Rows, useRows } from '../../state/calls.ts';
import { GridBox } from './grid-box.tsx';
import { decisionReasons } from './words.ts';
import styles from './storage.module.css';

const columns: readonly Column<DecisionRow>[] = [
  {
    id: 'decision',
    title: 'What',
    width: '90px',
    canHide: false,
    cell: ({ decision }) =>
      decision === 'delete' ? (
        <Chip tone="err" icon={<CircleMinus aria-hidden />}>
          Delete
        </Chip>
      ) : (
        <Chip tone="ok" icon={<CircleCheck aria-hidden />}>
          Keep
        </Chip>
      ),
  },
  {
    id: 'tag',
    title: 'Tag',
    width: 'minmax(180px, 3fr)',
    cell: ({ repository, tag }, { excludeFromTabOrder }) => (
      <a
        href={hrefOf({ page: 'image', repository, reference: tag })}
        title={`${repository}:${tag}`}
        tabIndex={excludeFromTabOrder ? -1 : 0}
      >
        <code>
          {repository}:{tag}
        </code>
      </a>
    ),
  },
  {
    id: 'why',
    title: 'Why',
    width: 'minmax(150px, 1.5fr)',
    cell: ({ reason }) => <span>{decisionReasons[reason]}</span>,
  },
  {
    id: 'rule',
    title: 'Rule',
    width: '100px',
    cell: ({ rule }) => rule !== undefined && <code title={rule}>{rule}</code>,
  },
  { id: 'size', title: 'Size', width: '80px', align: 'end', cell: ({ bytes }) => <Bytes value={bytes} /> },
  {
    id: 'pushed',
    title: 'Pushed',
    width: '120px',
    fromWidth: 900,
    cell: ({ pushedAt }) => <Time at={pushedAt} />,
  },
  {
    id: 'digest',
    title: 'Digest',
    width: '110px',
    fromWidth: 1000,
    cell: ({ digest }) => <Digest value={digest} />,
  },
];

export type Show = 'all' | 'delete' | 'keep';

const shows = [
  { id: 'all', label: 'All tags' },
  { id: 'delete', label: 'Only those that go' },
  { id: 'keep', label: 'Only those that stay' },
] as const satisfies readonly { readonly id: Show; readonly label: string }[];

export type Simulation = Rows<DecisionRow, SimulationRow>;

/** What some rules would do now. The rows are asked for once `changes` is there. */
export function useSimulation(changes: ChangedRules | undefined): {
  readonly simulation: Simulation;
  readonly show: Show;
  readonly setShow: (show: Show) => void;
} {
  const [shown, setShow] = useParam('show', 'delete');
  const show = shows.find(({ id }) => id === shown)?.id ?? 'delete';
  const simulation = useRows(
    'rules.simulate',
    { rules: changes ?? {}, ...(show === 'all' ? {} : { only: show }) },
    { isWanted: changes !== undefined },
  );
  return { simulation, show, setShow };
}

export function SimulationPanel({
  simulation,
  show,
  onShow,
  isOld,
  isOfSaved,
}: {
  readonly simulation: Simulation;
  readonly show: Show;
  readonly onShow: (show: Show) => void;
  /** The rules were changed since. */
  readonly isOld: boolean;
  /** It is of the rules in force. */
  readonly isOfSaved: boolean;
}) {
  const { first, rows } = simulation;
  return (
    <Panel
      title="Simulation"
      actions={
        <Chooser isLabelHidden label="Show" value={show} choices={shows} onChange={(id) => onShow(id)} />
      }
    >
      <Listed list={simulation} rows={4}>
        {first !== undefined && (
          <>
            {isOld && (
              <Notice kind="warn">The rules were changed since this simulation. Simulate them again.</Notice>
            )}
            <Totals outcome={first.outcome} />
            <div className={isOld ? styles['old'] : ''}>
              <GridBox rows={totalOf(first.outcome, show)} most={14}>
                <Grid
                  label="Simulation"
                  columns={columns}
                  rows={rows}
                  total={totalOf(first.outcome, show)}
                  keyOf={({ repository, tag }) => `${repository}:${tag}`}
                  need={simulation.need}
                  isStale={simulation.isStale}
                  empty={
                    <Empty icon={<ListChecks />} title="No tag to show">
                      {show === 'delete'
                        ? 'These rules delete nothing at present.'
                        : 'There is no tag that it could be about.'}
                    </Empty>
                  }
                />
              </GridBox>
            </div>
            <CliLine command={isOfSaved ? 'berth rules simulate' : 'berth rules simulate rules.json'} />
          </>
        )}
      </Listed>
    </Panel>
  );
}

function totalOf({ keptTags, deletedTags }: Outcome, show: Show): number {
  if (show === 'all') return keptTags + deletedTags;
  return show === 'keep' ? keptTags : deletedTags;
}

function Totals({ outcome }: { readonly outcome: Outcome }) {
  const { deletedTags, keptTags, manifests, freedBytes } = outcome;
  return (
    <>
      <p>
        <strong>
          {formatPlural(deletedTags, 'tag goes', 'tags go')}, {formatCount(keptTags)}{' '}
          {keptTags === 1 ? 'stays' : 'stay'}
        </strong>
        ; {formatPlural(manifests, 'manifest goes', 'manifests go')} with {manifests === 1 ? 'its' : 'their'}{' '}
        last tag. Frees {formatExactBytes(freedBytes)} once the trash is over.
      </p>
      <Emptied outcome={outcome} />
    </>
  );
}

/** Names the repositories of which nothing would be left. */
export function Emptied({ outcome: { emptied, emptiedRepositories } }: { readonly outcome: Outcome }) {
  if (emptiedRepositories === 0) return null;
  const more = emptiedRepositories - emptied.length;
  return (
    <Notice kind="warn">
      Nothing is left of {formatPlural(emptiedRepositories, 'repository', 'repositories')}:{' '}
      {emptied.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <code className={styles['name']}>{name}</code>
        </span>
      ))}
      {more > 0 && ` and ${formatCount(more)} more`}.
    </Notice>
  );
}
