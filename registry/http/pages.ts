import { AppError } from '../spec/errors.ts';
import type { Exchange } from './exchange.ts';

/**
 * The page size asked for: a whole number, cut to `limit`; `undefined` without `n`.
 * @throws AppError PAGE_INVALID
 */
export function pageSize(query: URLSearchParams, limit: number): number | undefined {
  const text = query.get('n');
  if (text === null) return undefined;
  if (!/^\d{1,30}$/.test(text)) throw new AppError('PAGE_INVALID');
  return Math.min(Number(text), limit);
}

/** The Link header that leads to the next page of `path` (RFC 8288), with the other parameters of this one. */
export function nextLink(
  { prefix, query }: Pick<Exchange, 'prefix' | 'query'>,
  path: string,
  next: { readonly last: string; readonly n: number },
): string {
  const following = new URLSearchParams(query);
  following.set('last', next.last);
  following.set('n', String(next.n));
  return `<${prefix}${path}?${following.toString()}>; rel="next"`;
}

/** Takes up to `n` rows of batches, as long as the page has room for them, and tells whether there are more. */
export async function takePage<Row>(
  batches: AsyncIterable<readonly Row[]>,
  n: number,
  hasRoom: (row: Row) => boolean = () => true,
): Promise<{ readonly page: readonly Row[]; readonly hasMore: boolean }> {
  const page: Row[] = [];
  if (n === 0) return { page, hasMore: false };
  for await (const rows of batches) {
    for (const row of rows) {
      if (page.length === n || (!hasRoom(row) && page.length > 0)) return { page, hasMore: true };
      page.push(row);
    }
  }
  return { page, hasMore: false };
}
