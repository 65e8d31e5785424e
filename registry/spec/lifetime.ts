/** Lifetimes as tags, labels and rules say them: a number and one of s, m, h, d, w, as in `30m` or `2w`. */
const lifetime = /^(\d{1,6})([smhdw])$/;
const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Answers milliseconds; `undefined` for other text, and for no time at all. */
export function parseLifetime(text: string): number | undefined {
  const [, count, unit] = lifetime.exec(text) ?? [];
  if (count === undefined || unit === undefined || Number(count) === 0) return undefined;
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}

/** What may say the lifetime of an image, as an annotation or as a label, the first first. */
export const lifetimeKeys = ['berth.expires-after', 'quay.expires-after'] as const;
