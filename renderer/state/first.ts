import type { QueryClient } from '@tanstack/react-query';
import type { Link } from '../api/link.ts';

/** Brings what was answered together with who is logged in into the cache, before anybody else hears of the login. */
export function keepFirst(link: Link, queries: QueryClient): void {
  let kept: ReturnType<Link['first']>;
  const keep = (): void => {
    const first = link.first();
    if (first === kept) return;
    kept = first;
    for (const [[method, args], value] of first?.answers ?? []) {
      if (value === null) continue;
      if ('limit' in args) {
        const { limit: _, ...all } = args;
        queries.setQueryData([method, all, 'rows'], { pages: [value], pageParams: [undefined] });
      } else queries.setQueryData([method, args], value);
    }
  };
  link.subscribe(keep);
  keep();
}
