import { Globe, Lock, PencilOff } from 'lucide-react';
import type { RepositoryRow } from '../../../registry/spec/admin/content.ts';
import { formatBytes, formatCount, formatExactBytes, formatForeign, formatPlural } from '../../format.ts';
import { Sparkline } from '../../parts/charts.tsx';
import type { Column } from '../../parts/grid.tsx';
import { Twist } from '../../parts/row-controls.tsx';
import { Chip, Time } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import type { RepositoryNode } from './tree.ts';
import styles from './repositories.module.css';

export interface ColumnsInput {
  readonly isTree: boolean;
  /** Absent while nobody knows who may pull without a login. */
  readonly isOpen: ((repository: string) => boolean) | undefined;
  readonly onExpand: (node: RepositoryNode, isExpanded: boolean) => void;
}

/** The columns of the list and of the tree. */
export function columnsOf({ isTree, isOpen, onExpand }: ColumnsInput): readonly Column<RepositoryNode>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(160px, 3fr)',
      sort: 'name',
      canHide: false,
      cell: (node, { excludeFromTabOrder }) => (
        <>
          {isTree && (
            <>
              <Indent level={node.level} />
              <Twist
                isExpanded={node.kind === 'namespace' ? node.isExpanded : undefined}
                name={node.key}
                onToggle={(isExpanded) => onExpand(node, isExpanded)}
              />
            </>
          )}
          {node.kind === 'namespace' ? (
            <span className={styles['namespace']}>{lastPart(node.key)}</span>
          ) : (
            <a
              href={hrefOf({ page: 'repository', repository: node.key })}
              title={titleOf(node.row)}
              // The parts are laid out as boxes, which a name made of them would part by spaces.
              aria-label={node.key}
              tabIndex={excludeFromTabOrder ? -1 : 0}
              className={styles['name']}
            >
              {!isTree && <span className={styles['before']}>{namespaceOf(node.key)}</span>}
              <span className={styles['last']}>{lastPart(node.key)}</span>
            </a>
          )}
          {node.kind === 'repository' && node.row.isReadOnly === true && (
            <PencilOff aria-label="Read-only" className={styles['mark']} />
          )}
        </>
      ),
    },
    {
      id: 'kind',
      title: 'Kind',
      width: '76px',
      cell: ofRow(({ kind }) => kind !== undefined && <Chip>{kind}</Chip>),
    },
    {
      id: 'tags',
      title: 'Tags',
      width: '48px',
      align: 'end',
      sort: 'tags',
      cell: (node) =>
        node.kind === 'namespace' ? (
          <span className={styles['dim']}>{formatCount(node.tagCount)}</span>
        ) : (
          <span title={`${formatPlural(node.row.untaggedCount, 'manifest')} without a tag`}>
            {formatCount(node.row.tagCount)}
          </span>
        ),
    },
    {
      id: 'size',
      title: 'Size',
      width: '64px',
      align: 'end',
      sort: 'size',
      cell: (node) =>
        node.kind === 'namespace' ? (
          <span
            className={styles['dim']}
            title={`${formatExactBytes(node.exclusiveBytes)}, used by one each`}
          >
            {formatBytes(node.exclusiveBytes)}
          </span>
        ) : (
          <span title={describeSize(node.row)}>{formatBytes(node.row.exclusiveBytes)}</span>
        ),
    },
    {
      id: 'pushed',
      title: 'Pushed',
      width: '104px',
      sort: 'pushed',
      cell: ofRow(({ pushedAt }) => <Time at={pushedAt} />),
    },
    {
      id: 'pulled',
      title: 'Last pulled',
      width: '104px',
      sort: 'pulled',
      fromWidth: 690,
      cell: ofRow(({ lastPulledAt }) => <Time at={lastPulledAt} />),
    },
    {
      id: 'pulls',
      title: 'Pulls 30 d',
      width: '108px',
      sort: 'pulls',
      fromWidth: 884,
      cell: ofRow(({ pulls30d }) => <Pulls counts={pulls30d} />),
    },
    {
      id: 'visibility',
      title: 'Visibility',
      width: '68px',
      fromWidth: 770,
      cell: ofRow(({ name }) => isOpen !== undefined && <Visibility isOpen={isOpen(name)} />),
    },
  ];
}

function ofRow(cell: (row: RepositoryRow) => React.ReactNode): Column<RepositoryNode>['cell'] {
  return (node) => node.kind === 'repository' && cell(node.row);
}

/** Its name, and what it is for. */
function titleOf({ name, description }: RepositoryRow): string {
  return description === undefined ? name : `${name}\n${formatForeign(description)}`;
}

function describeSize({ exclusiveBytes, sharedBytes }: RepositoryRow): string {
  return [
    `${formatExactBytes(exclusiveBytes)} that only it uses`,
    `${formatBytes(sharedBytes)} shared with other repositories`,
  ].join('\n');
}

function Indent({ level }: { readonly level: number }) {
  return <span className={styles['indent']} style={{ width: (level - 1) * 18 }} />;
}

function Pulls({ counts }: { readonly counts: readonly number[] }) {
  const sum = counts.reduce((total, count) => total + count, 0);
  return (
    <>
      {sum === 0 ? (
        <span className={styles['noPulls']} />
      ) : (
        <Sparkline values={counts} label={`${formatPlural(sum, 'pull')} in 30 days`} />
      )}
      <span className={styles['sum']}>{formatCount(sum)}</span>
    </>
  );
}

/** Who may pull. */
function Visibility({ isOpen }: { readonly isOpen: boolean }) {
  return isOpen ? (
    <span className={styles['visibility']} title="Everybody may pull, without a login">
      <Globe aria-hidden /> Public
    </span>
  ) : (
    <span className={styles['visibility']} title="Pulls need a login">
      <Lock aria-hidden /> Login
    </span>
  );
}

function namespaceOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1);
}

/** With the slash of a namespace. */
function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/', key.length - 2) + 1);
}
