/** Byte ranges of uploads (OCI distribution-spec, "Pushing a blob in chunks") and downloads (RFC 9110 14). */

/** First and last byte position, both inclusive. */
export interface InclusiveRange {
  readonly first: number;
  readonly last: number;
}

const contentRange = /^(?:bytes\s+)?(\d{1,16})-(\d{1,16})(?:\/(?:\*|\d{1,16}))?$/;

/** Answers the range of a chunk: `0-1023`, or as RFC 9110 writes it `bytes 0-1023/*`. */
export function parseContentRange(text: string): InclusiveRange | undefined {
  const match = contentRange.exec(text.trim());
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last
    ? { first, last }
    : undefined;
}

export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly InclusiveRange[] };

const maxRanges = 16;
const rangeSpec = /^(\d{0,16})-(\d{0,16})$/;

/**
 * Decides a Range header against a blob of `size` bytes. Other units, malformed sets, more than 16 ranges or
 * ranges that sum to more than the blob answer the whole blob; nothing satisfiable, or a range that ends before it
 * starts, is unsatisfiable.
 */
export function decideRange(header: string | undefined, size: number): RangeRequest {
  if (header === undefined) return { kind: 'whole' };
  const set = /^\s*bytes\s*=(.*)$/i.exec(header)?.[1];
  if (set === undefined) return { kind: 'whole' };
  const texts = set
    .split(',', maxRanges + 1)
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (texts.length === 0 || texts.length > maxRanges) return { kind: 'whole' };
  const ranges: InclusiveRange[] = [];
  for (const text of texts) {
    const match = rangeSpec.exec(text);
    if (match === null || text === '-') return { kind: 'whole' };
    const [from = '', to = ''] = match.slice(1);
    if (from !== '' && to !== '' && Number(from) > Number(to)) return { kind: 'unsatisfiable' };
    const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
    const last = from === '' || to === '' ? size - 1 : Math.min(size - 1, Number(to));
    if (first <= last && first < size) ranges.push({ first, last });
  }
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  const total = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return total > size ? { kind: 'whole' } : { kind: 'ranges', ranges };
}
