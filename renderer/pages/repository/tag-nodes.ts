/** The rows of the table of tags: the tags, what is below an open one, and the digests that group them. */
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { ReferrerRow } from '../../../registry/spec/admin/image.ts';
import { passBelow, type TrackCell, tracksOf } from './tracks.ts';

/** A part of an image, or the image itself where it is for one platform. */
export interface PlatformRow {
  readonly digest: string;
  readonly platform?: string;
  readonly isAttestation: boolean;
  readonly totalBytes?: number;
  readonly createdAt?: string;
}

export type TagNode =
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly level: 1;
      readonly digest: string;
      readonly rows: readonly TagRow[];
      readonly isExpanded: boolean;
    }
  | {
      readonly kind: 'tag';
      readonly key: string;
      readonly level: number;
      readonly row: TagRow;
      readonly isExpanded: boolean;
      readonly track: TrackCell;
    }
  | BelowTag;

/** What is below a tag; `tag` is its row. */
export type BelowTag = {
  readonly key: string;
  readonly level: number;
  readonly tag: TagRow;
  readonly track: TrackCell;
} & (
  | { readonly kind: 'platform'; readonly part: PlatformRow }
  | { readonly kind: 'attached'; readonly referrer: ReferrerRow }
  | { readonly kind: 'note'; readonly text: string }
);

/** What is known of what an open tag has below it. */
export interface Details {
  readonly platforms: readonly PlatformRow[];
  readonly referrers: readonly ReferrerRow[];
  /** Instead of both: it is on its way, or why it is not there. */
  readonly note?: string;
}

export interface TagNodesInput {
  readonly rows: readonly TagRow[];
  /** By tag: those that are open. */
  readonly details: ReadonlyMap<string, Details>;
  readonly isGrouped: boolean;
  /** Keys of groups that are closed. */
  readonly closed: ReadonlySet<string>;
}

const noTrack: TrackCell = { lanes: [] };

export function tagNodesOf({ rows, details, isGrouped, closed }: TagNodesInput): readonly TagNode[] {
  if (!isGrouped) {
    const tracks = tracksOf(rows.map(({ digest }) => digest));
    return rows.flatMap((row, index) => withBelow(row, 1, tracks[index] ?? noTrack, details.get(row.tag)));
  }
  const groups = Map.groupBy(rows, ({ digest }) => digest);
  return [...groups].flatMap(([digest, own]): readonly TagNode[] => {
    // Alone a tag needs no group.
    if (own.length === 1) return own.flatMap((row) => withBelow(row, 1, noTrack, details.get(row.tag)));
    const isExpanded = !closed.has(digest);
    // No tag has a colon, so a digest is a key of its own.
    const group: TagNode = { kind: 'group', key: digest, level: 1, digest, rows: own, isExpanded };
    if (!isExpanded) return [group];
    return [group, ...own.flatMap((row) => withBelow(row, 2, noTrack, details.get(row.tag)))];
  });
}

function withBelow(
  row: TagRow,
  level: number,
  track: TrackCell,
  open: Details | undefined,
): readonly TagNode[] {
  const node: TagNode = { kind: 'tag', key: row.tag, level, row, isExpanded: open !== undefined, track };
  if (open === undefined) return [node];
  const about = { level: level + 1, tag: row, track: passBelow(track) };
  const note =
    open.note ?? (open.platforms.length + open.referrers.length === 0 ? 'Nothing is below it.' : undefined);
  if (note !== undefined) return [node, { ...about, kind: 'note', key: `${row.tag} note`, text: note }];
  return [
    node,
    ...open.platforms.map((part, index): TagNode => ({
      ...about,
      kind: 'platform',
      key: `${row.tag} ${index} ${part.digest}`,
      part,
    })),
    ...open.referrers.map((referrer): TagNode => ({
      ...about,
      kind: 'attached',
      key: `${row.tag} ${referrer.digest}`,
      referrer,
    })),
  ];
}

/** What a row is of; absent for a note. */
export function digestOf(node: TagNode): string | undefined {
  switch (node.kind) {
    case 'tag':
      return node.row.digest;
    case 'group':
      return node.digest;
    case 'platform':
      return node.part.digest;
    case 'attached':
      return node.referrer.digest;
    case 'note':
      return undefined;
    default:
      return node satisfies never;
  }
}
