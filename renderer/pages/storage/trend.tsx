import { formatBytes } from '../../format.ts';
import type { UsageSample } from '../../../registry/spec/admin/upkeep.ts';
import { Bytes } from '../../parts/values.tsx';
import { type TrendPoint, trendOf } from './trend-points.ts';
import styles from './storage.module.css';

const width = 1000;
const height = 100;

/** How much room was taken on each of the last 30 days, and how much of it by the trash. */
export function Trend({ samples: all }: { readonly samples: readonly UsageSample[] }) {
  const { samples, points, mostBytes } = trendOf(all);
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined)
    return (
      <p className={styles['muted']}>
        Nothing is known yet: the first sample is taken a minute after the start.
      </p>
    );
  if (samples.length === 1)
    return (
      <p className={styles['muted']}>
        <Bytes value={last.totalBytes} /> on {last.day}. The line begins with the second day.
      </p>
    );
  return (
    <figure className={styles['trend']}>
      <div className={styles['trendAxis']} aria-hidden>
        <span>{formatBytes(mostBytes)}</span>
        <span>0B</span>
      </div>
      <svg
        role="img"
        aria-label={`From ${formatBytes(first.totalBytes)} on ${first.day} to ${formatBytes(last.totalBytes)} on ${last.day}`}
        className={styles['trendPlot']}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
      >
        <polygon className={styles['trendTotal']} points={areaOf(points, ({ total }) => total)} />
        <polygon className={styles['trendTrash']} points={areaOf(points, ({ trash }) => trash)} />
        <polyline className={styles['trendLine']} points={lineOf(points, ({ total }) => total)} />
      </svg>
      <div className={styles['trendDays']} aria-hidden>
        <span>{first.day}</span>
        <span>All content; the trash below it</span>
        <span>{last.day}</span>
      </div>
      <table className={styles['hiddenText']}>
        <caption>Room taken by day</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">All content</th>
            <th scope="col">Trash</th>
            <th scope="col">Free</th>
          </tr>
        </thead>
        <tbody>
          {samples.map(({ day, totalBytes, trashBytes, freeBytes }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td>{formatBytes(totalBytes)}</td>
              <td>{formatBytes(trashBytes)}</td>
              <td>{freeBytes === undefined ? 'unknown' : formatBytes(freeBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function lineOf(points: readonly TrendPoint[], valueOf: (point: TrendPoint) => number): string {
  return points
    .map((point) => `${round(point.x * width)},${round((1 - valueOf(point)) * (height - 4) + 2)}`)
    .join(' ');
}

function areaOf(points: readonly TrendPoint[], valueOf: (point: TrendPoint) => number): string {
  return `0,${height} ${lineOf(points, valueOf)} ${width},${height}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
