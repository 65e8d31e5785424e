import type { TidyQueries } from '../derived/tidy-queries.ts';
import { isAppError } from '../spec/errors.ts';
import type { CompiledRules } from './compiled.ts';

/** A reader is told this long before, at most, in milliseconds. */
const longestNoticeMs = 24 * 60 * 60 * 1000;
/** And in the last part of the life of the tag. */
const noticePart = 0.2;

/** What a client should know of the end of a tag: always on a push, shortly before the end on a read. */
export function createExpiryWarning({
  compiled,
  index,
  now = Date.now,
}: {
  readonly compiled: () => CompiledRules;
  readonly index: Pick<TidyQueries, 'tagRecord'>;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}): (repository: string, tag: string, on: 'push' | 'read') => string | undefined {
  return (repository, tag, on) => {
    // Most repositories have no such rule; they are not looked up.
    if (!compiled().mayExpire(repository)) return undefined;
    const record = recordOf(repository, tag);
    const expiry = record === undefined ? undefined : compiled().expiryOf(repository, record);
    if (expiry === undefined) return undefined;
    const noticeMs = Math.min(longestNoticeMs, noticePart * expiry.lifeMs);
    if (on === 'read' && expiry.at - now() > noticeMs) return undefined;
    return `the tag ${tag} expires at ${new Date(expiry.at).toISOString()} by the rule ${expiry.rule}`;
  };

  function recordOf(repository: string, tag: string) {
    try {
      return index.tagRecord(repository, tag);
    } catch (error) {
      // A pull goes on without the word while the index is built anew.
      if (isAppError(error, 'UNAVAILABLE')) return undefined;
      throw error;
    }
  }
}
