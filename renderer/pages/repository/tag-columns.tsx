import { Clock, FileCheck2, FileText, Hammer, Lock, PencilOff } from 'lucide-react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { formatAbsolute, formatCount, formatPlural, shortDigest } from '../../format.ts';
import { copyText } from '../../parts/copy.tsx';
import type { CellState, Column } from '../../parts/grid.tsx';
import type { PlacedMenu } from '../../parts/menu.tsx';
import { RowButton, Twist } from '../../parts/row-controls.tsx';
import { Bytes, Chip, Digest, Time } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { clientFor, clients, getSnippet } from '../../snippets.ts';
import { preferences } from '../../state/preferences.ts';
import styles from './repository.module.css';
import { digestOf, type TagNode } from './tag-nodes.ts';
import { TrackView } from './track-view.tsx';

export interface TagColumnsInput {
  readonly repository: string;
  readonly address: string;
  readonly isGrouped: boolean;
  /** Why no tag is moved or deleted at present. */
  readonly refusal: string | undefined;
  readonly onExpand: (node: TagNode, isExpanded: boolean) => void;
  readonly onSelectTrack: (digest: string) => void;
  readonly onCopyMenu: (row: TagRow, place: PlacedMenu['place']) => void;
}

export function tagColumnsOf(input: TagColumnsInput): readonly Column<TagNode>[] {
  const { isGrouped } = input;
  return [
    {
      id: 'tag',
      title: 'Tag',
      width: 'minmax(104px, 2fr)',
      sort: 'semver',
      canHide: false,
      cell: (node, state) => <Name node={node} state={state} input={input} />,
    },
    ...(isGrouped
      ? []
      : [
          {
            id: 'track',
            title: 'Track',
            width: '50px',
            fromWidth: 700,
            cell: (node: TagNode, state: CellState) =>
              node.kind !== 'group' && (
                <TrackView
                  cell={node.track}
                  row={node.kind === 'tag' ? node.row : undefined}
                  excludeFromTabOrder={state.excludeFromTabOrder}
                  onSelect={input.onSelectTrack}
                />
              ),
          },
        ]),
    {
      id: 'digest',
      title: 'Digest',
      width: '130px',
      fromWidth: 880,
      cell: (node, { excludeFromTabOrder }) => {
        const digest = digestOf(node);
        return (
          digest !== undefined && (
            <>
              <Digest value={digest} />
              <RowButton
                label={`Copy digest ${shortDigest(digest)}`}
                hint="Copy digest"
                excludeFromTabOrder={excludeFromTabOrder}
                onPress={() => void copyText(digest, 'Digest copied')}
                icon="copy"
              />
            </>
          )
        );
      },
    },
    {
      id: 'platforms',
      title: 'Platforms',
      width: 'minmax(120px, 1.8fr)',
      cell: ofTag((row, { tableWidth }) => (
        <Platforms names={row.platforms} kind={row.kind} tableWidth={tableWidth} />
      )),
    },
    {
      id: 'size',
      title: 'Size',
      width: '64px',
      align: 'end',
      sort: 'size',
      cell: (node) => {
        const bytes = bytesOf(node);
        return bytes !== undefined && <Bytes value={bytes} />;
      },
    },
    {
      id: 'pushed',
      title: 'Pushed',
      width: '104px',
      sort: 'pushed',
      cell: (node) =>
        node.kind === 'tag' ? (
          <Time at={node.row.pushedAt} />
        ) : (
          node.kind === 'attached' && <Time at={node.referrer.pushedAt} />
        ),
    },
    {
      id: 'created',
      title: 'Created',
      width: '104px',
      fromWidth: 1320,
      cell: (node) => {
        const at =
          node.kind === 'tag'
            ? node.row.createdAt
            : node.kind === 'platform'
              ? node.part.createdAt
              : undefined;
        return at !== undefined && <Time at={at} />;
      },
    },
    {
      id: 'by',
      title: 'By',
      width: '68px',
      fromWidth: 1180,
      cell: ofTag(({ pushedBy, client }) => <span title={client}>{pushedBy}</span>),
    },
    {
      id: 'pulled',
      title: 'Last pulled',
      width: '104px',
      sort: 'pulled',
      fromWidth: 1060,
      cell: ofTag(({ lastPulledAt }) => <Time at={lastPulledAt} />),
    },
    {
      id: 'pulls',
      title: 'Pulls',
      width: '44px',
      align: 'end',
      sort: 'pulls',
      fromWidth: 940,
      cell: ofTag(({ pullCount }) => formatCount(pullCount)),
    },
    {
      id: 'attached',
      title: 'Attached',
      width: '62px',
      fromWidth: 760,
      cell: ofTag((row) => <Attached row={row} />),
    },
    {
      id: 'copy',
      title: 'Copy',
      width: '52px',
      canHide: true,
      cell: ofTag((row, { excludeFromTabOrder }) => (
        <CopyButtons row={row} excludeFromTabOrder={excludeFromTabOrder} input={input} />
      )),
    },
  ];
}

function ofTag(cell: (row: TagRow, state: CellState) => React.ReactNode): Column<TagNode>['cell'] {
  return (node, state) => node.kind === 'tag' && cell(node.row, state);
}

function bytesOf(node: TagNode): number | undefined {
  if (node.kind === 'tag') return node.row.totalBytes;
  if (node.kind === 'group') return node.rows[0]?.totalBytes;
  if (node.kind === 'platform') return node.part.totalBytes;
  return node.kind === 'attached' ? node.referrer.totalBytes : undefined;
}

function Name({
  node,
  state,
  input,
}: {
  readonly node: TagNode;
  readonly state: CellState;
  readonly input: TagColumnsInput;
}) {
  const { repository, onExpand } = input;
  const tabIndex = state.excludeFromTabOrder ? -1 : 0;
  const linkTo = (reference: string) => hrefOf({ page: 'image', repository, reference });
  return (
    <>
      <span className={styles['indent']} style={{ width: (node.level - 1) * 18 }} />
      <Twist
        isExpanded={'isExpanded' in node ? node.isExpanded : undefined}
        name={node.kind === 'group' ? shortDigest(node.digest) : node.key}
        onToggle={(isExpanded) => onExpand(node, isExpanded)}
      />
      {node.kind === 'group' && <span>{formatPlural(node.rows.length, 'tag')}</span>}
      {node.kind === 'tag' && (
        <>
          <a href={linkTo(node.row.tag)} title={node.row.tag} tabIndex={tabIndex} className={styles['tag']}>
            {node.row.tag}
          </a>
          <Marks row={node.row} refusal={input.refusal} />
        </>
      )}
      {node.kind === 'platform' && (
        <a
          href={linkTo(node.part.digest)}
          title={node.part.platform}
          tabIndex={tabIndex}
          className={styles['part']}
        >
          {node.part.isAttestation ? 'attestation' : shortPlatform(node.part.platform ?? 'no platform')}
        </a>
      )}
      {node.kind === 'attached' && (
        <a
          href={linkTo(node.referrer.digest)}
          title={node.referrer.artifactType}
          tabIndex={tabIndex}
          className={styles['part']}
        >
          {node.referrer.kind === 'other' ? (node.referrer.artifactType ?? 'attached') : node.referrer.kind}
        </a>
      )}
      {node.kind === 'note' && <span className={styles['note']}>{node.text}</span>}
    </>
  );
}

function Marks({
  row: { protectedBy, expiresAt },
  refusal,
}: {
  readonly row: TagRow;
  readonly refusal: string | undefined;
}) {
  return (
    <>
      {refusal !== undefined && (
        <Mark name={refusal}>
          <PencilOff aria-hidden />
        </Mark>
      )}
      {protectedBy !== undefined && (
        <Mark name={`Protected by ${protectedBy}`}>
          <Lock aria-hidden />
        </Mark>
      )}
      {expiresAt !== undefined && (
        <Mark name={`A rule deletes it at ${formatAbsolute(expiresAt)}`}>
          <Clock aria-hidden />
        </Mark>
      )}
    </>
  );
}

function Mark({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <span role="img" aria-label={name} title={name} className={styles['mark']}>
      {children}
    </span>
  );
}

function Platforms({
  names,
  kind,
  tableWidth,
}: {
  readonly names: readonly string[];
  readonly kind: string;
  readonly tableWidth: number;
}) {
  const most = tableWidth >= 1500 ? 4 : 2;
  const real = names.filter((name) => name !== 'unknown/unknown');
  if (real.length === 0) return kind !== 'image' && <Chip>{kind}</Chip>;
  return (
    <span className={styles['platforms']} title={real.join(', ')}>
      {real.slice(0, most).map((name) => (
        <Chip key={name}>{shortPlatform(name)}</Chip>
      ))}
      {real.length > most && <span>+{real.length - most}</span>}
    </span>
  );
}

/** Nearly all are for Linux. */
function shortPlatform(name: string): string {
  return name.replace(/^linux\//, '');
}

function Attached({ row }: { readonly row: TagRow }) {
  return (
    <>
      {row.hasSignature && (
        <Mark name="Signed, not verified">
          <FileCheck2 aria-hidden />
        </Mark>
      )}
      {row.hasSbom && (
        <Mark name="SBOM attached">
          <FileText aria-hidden />
        </Mark>
      )}
      {row.hasProvenance && (
        <Mark name="Provenance attached, not verified">
          <Hammer aria-hidden />
        </Mark>
      )}
    </>
  );
}

function CopyButtons({
  row,
  excludeFromTabOrder,
  input: { address, repository, onCopyMenu },
}: {
  readonly row: TagRow;
  readonly excludeFromTabOrder: boolean;
  readonly input: TagColumnsInput;
}) {
  const copy = (): void => {
    const client = clientFor(row.kind, preferences().client);
    const name = clients.find(({ id }) => id === client)?.label ?? client;
    void copyText(getSnippet({ address, repository, reference: row.tag, client }), `Copied for ${name}`);
  };
  return (
    <span className={styles['split']}>
      <RowButton
        label={`Copy pull command of ${row.tag}`}
        hint="Copy pull command (Y)"
        excludeFromTabOrder={excludeFromTabOrder}
        onPress={copy}
        icon="copy"
      />
      <RowButton
        label={`Copy ${row.tag} for another client`}
        hint="For another client"
        hasMenu
        excludeFromTabOrder={excludeFromTabOrder}
        onPress={(button) => {
          const { left, bottom } = button.getBoundingClientRect();
          onCopyMenu(row, { x: left, y: bottom });
        }}
        icon="down"
      />
    </span>
  );
}
