/**
 * Whether what clients saw of a tag is what one register could have shown them, one request after the other, each at some
 * moment between its start and its answer (Herlihy and Wing, "Linearizability"; the search is that of Wing and Gong, with the
 * states that were seen remembered). Exact: it finds an order, or there is none.
 */

/** What one request did to a tag, or saw of it; `undefined` for an absent one. Times are of one clock. */
export type Operation = {
  readonly startedAt: number;
  /** When the answer came, or the last moment at which an unanswered request may have been carried out. */
  readonly endedAt: number;
  /** No answer came: it was carried out, or not. */
  readonly isOpen: boolean;
} & (
  | { readonly kind: 'put'; readonly value: string }
  | { readonly kind: 'read'; readonly value: string | undefined }
  /** `found` says whether there was a tag to delete; of an unanswered one nobody knows. */
  | { readonly kind: 'delete'; readonly found: boolean }
);

/** True if the register can have shown all of that; at first it is absent. */
export function isLinearizable(history: readonly Operation[]): boolean {
  // An unanswered read says nothing.
  const operations = history
    .filter(({ kind, isOpen }) => !isOpen || kind !== 'read')
    .toSorted((a, b) => a.startedAt - b.startedAt);
  const seen = new Set<string>();
  const done = operations.map(() => '0');

  function goOn(state: string | undefined, latestStart: number): boolean {
    const left = operations.filter((each, at) => done[at] === '0' && !each.isOpen);
    if (left.length === 0) return true;
    const key = `${done.join('')} ${state}`;
    if (seen.has(key)) return false;
    seen.add(key);
    const firstEnd = Math.min(...left.map(({ endedAt }) => endedAt));
    for (const [at, each] of operations.entries()) {
      if (each.startedAt > firstEnd) break;
      if (done[at] === '1' || latestStart > each.endedAt) continue;
      const next = apply(each, state);
      if (next === 'impossible') continue;
      done[at] = '1';
      if (goOn(next.state, Math.max(latestStart, each.startedAt))) return true;
      done[at] = '0';
    }
    return false;
  }
  return goOn(undefined, Number.NEGATIVE_INFINITY);
}

function apply(
  operation: Operation,
  state: string | undefined,
): { readonly state: string | undefined } | 'impossible' {
  switch (operation.kind) {
    case 'put':
      return { state: operation.value };
    case 'read':
      return operation.value === state ? { state } : 'impossible';
    case 'delete':
      return operation.isOpen || operation.found === (state !== undefined)
        ? { state: undefined }
        : 'impossible';
    default:
      return 'impossible';
  }
}
