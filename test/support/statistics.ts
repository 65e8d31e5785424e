/** The value below which that share of them lies; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  return (
    values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
  );
}

/**
 * How well a threshold tells one kind from another: the chance that a value of `right` is larger than one of `left`
 * (area under the ROC curve, by the ranks of Mann and Whitney). 0.5: not at all; 0 or 1: always.
 */
export function separation(left: readonly number[], right: readonly number[]): number {
  const all = [
    ...left.map((value) => ({ value, isRight: 0 })),
    ...right.map((value) => ({ value, isRight: 1 })),
  ];
  const sorted = all.toSorted((a, b) => a.value - b.value);
  let ranks = 0;
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end]?.value === sorted[start]?.value && end < sorted.length) end += 1;
    // Equal values share the middle of their ranks.
    for (const { isRight } of sorted.slice(start, end)) ranks += isRight * ((start + end + 1) / 2);
    start = end;
  }
  return (ranks - (right.length * (right.length + 1)) / 2) / (left.length * right.length);
}

/** The standard deviation of `separation` where there is no difference. */
export function separationNoise(left: number, right: number): number {
  return Math.sqrt((left + right + 1) / (12 * left * right));
}

/** The standard error of a median, by the middle half of the sample: what lies far out does not count. */
export function medianNoise(sample: readonly number[]): number {
  const deviation = (quantile(sample, 0.75) - quantile(sample, 0.25)) / 1.349;
  return (1.2533 * deviation) / Math.sqrt(sample.length);
}
