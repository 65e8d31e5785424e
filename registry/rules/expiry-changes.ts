import type { TidyQueries } from '../derived/tidy-queries.ts';
import type { FeedItem } from '../spec/admin-api.ts';
import { isAppError } from '../spec/errors.ts';
import type { CompiledRules } from './compiled.ts';

/**
 * When tags have to be looked at again, in milliseconds since the epoch, by what happens: at its end for a tag that was
 * pushed, at once where more than one may have another end.
 */
export async function* expiryChanges(
  items: AsyncIterable<readonly FeedItem[]>,
  {
    compiled,
    index,
    now = Date.now,
  }: {
    readonly compiled: () => CompiledRules;
    readonly index: Pick<TidyQueries, 'tagRecord'>;
    readonly now?: () => number;
  },
): AsyncIterable<number> {
  for await (const batch of items) {
    for (const { kind, repository = '', tag = '' } of batch) {
      if (kind === 'tagMoved' && compiled().mayExpire(repository)) yield endOf(repository, tag);
      else if (kind === 'rulesChanged' || kind === 'restored' || kind === 'reset') yield now();
    }
  }

  function endOf(repository: string, tag: string): number {
    try {
      const record = index.tagRecord(repository, tag);
      const expiry = record === undefined ? undefined : compiled().expiryOf(repository, record);
      return expiry?.at ?? Infinity;
    } catch (error) {
      if (isAppError(error, 'UNAVAILABLE')) return now();
      throw error;
    }
  }
}
