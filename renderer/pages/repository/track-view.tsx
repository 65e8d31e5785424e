import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { formatPlural, shortDigest } from '../../format.ts';
import styles from './track-view.module.css';
import { laneCount, type Segment, type TrackCell } from './tracks.ts';

const laneWidth = 7;
const width = laneCount * laneWidth;

/** The lines that join tags of one digest, as they pass one row; the number of the row's own selects its tags. */
export function TrackView({
  cell: { lanes, number, tone = 0 },
  row,
  excludeFromTabOrder,
  onSelect,
}: {
  readonly cell: TrackCell;
  readonly row: TagRow | undefined;
  readonly excludeFromTabOrder: boolean;
  readonly onSelect: (digest: string) => void;
}) {
  const picture = (
    <svg
      aria-hidden
      className={styles['lanes']}
      width={width}
      viewBox={`0 0 ${width} 100`}
      preserveAspectRatio="none"
    >
      {lanes.map(
        (segment, lane) =>
          segment !== undefined && (
            <Line key={segment.tone * laneCount + lane} segment={segment} lane={lane} />
          ),
      )}
    </svg>
  );
  if (row === undefined || number === undefined) return picture;
  const node = lanes.findIndex((segment) => segment?.isNode === true);
  return (
    <button
      type="button"
      className={styles['track']}
      tabIndex={excludeFromTabOrder ? -1 : 0}
      aria-label={`Select the ${formatPlural(row.digestTags, 'tag')} of ${shortDigest(row.digest)}, track ${number}`}
      title={`${formatPlural(row.digestTags, 'tag')} of this digest: select them`}
      onClick={() => onSelect(row.digest)}
    >
      {picture}
      {node !== -1 && (
        <span className={`${styles['node']} ${styles[`tone${tone}`]}`} style={{ left: node * laneWidth }} />
      )}
      <span className={styles['number']}>{number}</span>
    </button>
  );
}

function Line({ segment, lane }: { readonly segment: Segment; readonly lane: number }) {
  const x = lane * laneWidth + laneWidth / 2;
  return (
    <line
      x1={x}
      x2={x}
      y1={segment.isUp ? 0 : 50}
      y2={segment.isDown ? 100 : 50}
      className={styles[`tone${segment.tone}`]}
    />
  );
}
