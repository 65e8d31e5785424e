/** Answers the known name that differs least, or `undefined` if none is near enough to be a slip. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const mostSlips = Math.max(2, Math.floor(name.length / 6));
  const best = known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= mostSlips)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .toSorted((a, b) => a.distance - b.distance)[0];
  if (best && best.distance <= mostSlips) return best.candidate;
  return known.find((candidate) => candidate.endsWith(`.${name}`) || candidate.endsWith(`_${name}`));
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, from] of left.split('').entries()) {
    const current = [row + 1];
    for (const [column, to] of right.split('').entries()) {
      const replaced = (previous[column] ?? 0) + (from === to ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
