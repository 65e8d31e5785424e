import type { UsageSample } from '../../../registry/spec/admin/upkeep.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** A sample at its place: 0 is the first day of the span, 1 the last; 0 is nothing, 1 the most of the span. */
export interface TrendPoint {
  readonly x: number;
  readonly total: number;
  readonly trash: number;
}

export interface Trend {
  readonly samples: readonly UsageSample[];
  readonly points: readonly TrendPoint[];
  readonly mostBytes: number;
}

/** The samples of so many days up to the last one. Days on which the registry did not run leave a gap in the line's points. */
export function trendOf(all: readonly UsageSample[], days = 30): Trend {
  const lastDay = timeOf(all.at(-1));
  const samples = all.filter((sample) => timeOf(sample) > lastDay - days * dayMs);
  const mostBytes = Math.max(1, ...samples.map(({ totalBytes }) => totalBytes));
  const firstDay = timeOf(samples[0]);
  const span = Math.max(dayMs, lastDay - firstDay);
  const points = samples.map((sample) => ({
    x: (timeOf(sample) - firstDay) / span,
    total: sample.totalBytes / mostBytes,
    trash: Math.min(sample.trashBytes, sample.totalBytes) / mostBytes,
  }));
  return { samples, points, mostBytes };
}

function timeOf(sample: UsageSample | undefined): number {
  return Date.parse(`${sample?.day ?? '1970-01-01'}T00:00:00Z`);
}
