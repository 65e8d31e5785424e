/** What the registry answers, cached by method and arguments. feed.ts says when an answer is no longer true. */
import {
  type InfiniteData,
  keepPreviousData,
  QueryClient,
  replaceEqualDeep,
  useInfiniteQuery,
  useQueries,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Page } from '../../registry/spec/admin/arguments.ts';
import type { AdminInput, AdminMethod, AdminResults } from '../../registry/spec/admin-api.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { firstPageRows } from '../first-questions.ts';
import { useLink } from './link.ts';
import { createShared } from './shared.ts';

export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The feed says when something changed.
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 10 * 60_000,
        networkMode: 'always',
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // What was asked while the connection was lost is asked again when it is back.
        retry: false,
        placeholderData: keepPreviousData,
      },
    },
  });
}

export interface CallOptions {
  /** False asks nothing. */
  readonly isWanted?: boolean;
  /** False shows nothing while other arguments are asked for; else the former answer stays meanwhile. */
  readonly keepsFormer?: boolean;
  /** Asks again so often, for what no event announces. */
  readonly everyMs?: number;
}

/** What a method answers. It is asked once, and again when the feed says so. */
export function useCall<M extends AdminMethod>(
  method: M,
  args: AdminInput<M>,
  { isWanted = true, keepsFormer = true, everyMs }: CallOptions = {},
): UseQueryResult<AdminResults[M]> {
  const link = useLink();
  return useQuery({
    queryKey: [method, args],
    queryFn: async ({ signal }) => await (await link.client()).call(method, args, { signal }),
    enabled: isWanted,
    ...(keepsFormer ? {} : { placeholderData: undefined }),
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs, refetchIntervalInBackground: false }),
  });
}

/** A method with its arguments. */
export type AheadOf = { [M in AdminMethod]: readonly [method: M, args: AdminInput<M>] }[AdminMethod];

/** Asks what `useCall` will ask, where it is not known. Nobody is told of a failure: it is asked again then. */
export function useAskAhead(): (asked: AheadOf) => void {
  const link = useLink();
  const queries = useQueryClient();
  return useCallback(
    ([method, args]) =>
      void queries.prefetchQuery({
        queryKey: [method, args],
        queryFn: async ({ signal }) => await (await link.client()).call(method, args, { signal }),
      }),
    [link, queries],
  );
}

/** The same for several arguments at once, in their order. */
export function useCalls<M extends AdminMethod>(
  method: M,
  args: readonly AdminInput<M>[],
): readonly CallResult<AdminResults[M]>[] {
  const link = useLink();
  return useQueries({
    queries: args.map((each) => ({
      queryKey: [method, each],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) =>
        await (await link.client()).call(method, each, { signal }),
      placeholderData: undefined,
    })),
    combine: answersOf,
  });
}

type CallResult<Data> = Pick<UseQueryResult<Data>, 'data' | 'error' | 'isPending' | 'refetch'>;

/** Only what is read, so that results that say the same are the same. */
function answersOf<Data>(results: readonly UseQueryResult<Data>[]): readonly CallResult<Data>[] {
  return results.map(({ data, error, isPending, refetch }) => ({ data, error, isPending, refetch }));
}

type Paged = {
  [M in AdminMethod]: AdminInput<M> extends { after?: string | undefined; limit?: number | undefined }
    ? AdminResults[M] extends { readonly rows: readonly unknown[]; readonly next?: string }
      ? M
      : never
    : never;
}[AdminMethod];
type RowOf<M extends Paged> = AdminResults[M] extends { readonly rows: readonly (infer Row)[] } ? Row : never;

export interface RowsOptions extends Pick<CallOptions, 'isWanted' | 'everyMs'> {
  /** Loads page after page, whatever is looked at. */
  readonly loadsAll?: boolean;
}

export interface Rows<Row, First = unknown> {
  /** The first page, for what it says beside its rows. */
  readonly first: First | undefined;
  readonly rows: readonly Row[];
  /** All that match, those that are not loaded included; the loaded ones where the registry does not count. */
  readonly total: number;
  /** Nothing is known yet. */
  readonly isLoading: boolean;
  /** What is shown is the answer to former arguments, or is asked for anew. */
  readonly isStale: boolean;
  readonly error: unknown;
  /** When the rows were answered, in milliseconds since the epoch. */
  readonly updatedAt: number;
  readonly hasMore: boolean;
  /** Loads pages until that row is there; for `Grid`. */
  readonly need: (index: number) => void;
  readonly reload: () => void;
}

/** Pages after the first are few. A message has room for 500 rows of any list. */
const pageRows = 500;

/** The rows of a paged list, loaded as far as they are looked at; all of them where what is shown needs them all. */
export function useRows<M extends Paged>(
  method: M,
  args: Omit<AdminInput<M>, 'after' | 'limit'>,
  { isWanted = true, loadsAll = false, everyMs }: RowsOptions = {},
): Rows<RowOf<M>, AdminResults[M]> {
  const link = useLink();
  const queries = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: [method, args, 'rows'],
    queryFn: async ({ pageParam, signal, queryKey }) => {
      const limit = pageParam === undefined ? firstPageRows : pageRows;
      const asked = { ...args, after: pageParam, limit } as unknown as AdminInput<M>;
      const client = await link.client();
      const page = (await client.call(method, asked, { signal })) as unknown as Page<RowOf<M>>;
      const former = queries.getQueryData<InfiniteData<Page<RowOf<M>>>>(queryKey);
      return replaceEqualDeep(former?.pages[former.pageParams.indexOf(pageParam)], page);
    },
    // Pages are compared as they come: all of them at once would hold up the window.
    structuralSharing: false,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    enabled: isWanted,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs, refetchOnMount: 'always' as const }),
  });
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? [], [data]);
  const need = useCallback(
    (index: number) => {
      if (index >= rows.length && hasNextPage && !isFetchingNextPage) void fetchNextPage();
    },
    [rows.length, hasNextPage, isFetchingNextPage, fetchNextPage],
  );
  useEffect(() => {
    if (loadsAll && !query.isPlaceholderData) need(rows.length);
  }, [loadsAll, query.isPlaceholderData, need, rows.length]);
  return {
    first: data?.pages[0] as AdminResults[M] | undefined,
    rows,
    total: data?.pages.at(-1)?.total ?? rows.length,
    isLoading: query.isPending && isWanted,
    isStale: query.isPlaceholderData || query.isError,
    error: query.error,
    updatedAt: query.dataUpdatedAt,
    hasMore: hasNextPage,
    need,
    reload: useCallback(() => void refetch(), [refetch]),
  };
}

/** Asks once, outside of what is cached: `ask('tags.plan', …)` in the handler of a button. */
export function useAsk(): <M extends AdminMethod>(
  method: M,
  args: AdminInput<M>,
  options?: { readonly signal?: AbortSignal },
) => Promise<AdminResults[M]> {
  const link = useLink();
  return useCallback(
    (method, args, options = {}) =>
      whileBusy(link.client().then((client) => client.call(method, args, options))),
    [link],
  );
}

/** What takes longer shows that it runs. */
const longMs = 400;
const longOnes = createShared(0);

async function whileBusy<Result>(answer: Promise<Result>): Promise<Result> {
  const count = (by: number): void => longOnes.set(longOnes.get() + by);
  let isLong = false;
  const timer = setTimeout(() => {
    isLong = true;
    count(1);
  }, longMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    if (isLong) count(-1);
  }
}

/** True while something that was asked for by an act takes its time. */
export function useIsBusy(): boolean {
  return longOnes.use() > 0;
}

export interface Run<Args> {
  readonly isPending: boolean;
  /** Why it failed the last time. */
  readonly error?: unknown;
  /** Answers whether it was done. */
  readonly run: (args: Args) => Promise<boolean>;
}

/** Something whose running and failure are shown where it was started. */
export function useRun<Args>(act: (args: Args) => Promise<unknown>): Run<Args> {
  const [state, setState] = useState<Omit<Run<Args>, 'run'>>({ isPending: false });
  return {
    ...state,
    async run(args) {
      setState({ isPending: true });
      try {
        await act(args);
        setState({ isPending: false });
        return true;
      } catch (error) {
        setState({ isPending: false, error });
        return false;
      }
    },
  };
}

/** An act of the registry, run so. The feed brings what it changed. */
export function useAct<M extends AdminMethod>(method: M): Run<AdminInput<M>> {
  const ask = useAsk();
  return useRun((args: AdminInput<M>) => ask(method, args));
}

/** Changes cached answers before the registry has said anything; answers how to take that back. */
export function useGuess(): (
  method: AdminMethod,
  change: (rows: readonly unknown[]) => readonly unknown[],
) => () => void {
  const queries = useQueryClient();
  return useCallback(
    (method, change) => {
      // What nobody looks at is asked for when somebody does; changed here, it would pass for true.
      const filter = { queryKey: [method], type: 'active' as const };
      const former = queries.getQueriesData(filter);
      queries.setQueriesData(filter, (data: unknown) => changeRows(data, change));
      return () => {
        for (const [key, data] of former) queries.setQueryData(key, data);
        void queries.invalidateQueries({ queryKey: [method] });
      };
    },
    [queries],
  );
}

function changeRows(data: unknown, change: (rows: readonly unknown[]) => readonly unknown[]): unknown {
  if (Array.isArray(data)) return change(data);
  if (typeof data !== 'object' || data === null) return data;
  if ('pages' in data) {
    const { pages } = data as { readonly pages: readonly unknown[] };
    return { ...data, pages: pages.map((page) => changeRows(page, change)) };
  }
  if (!('rows' in data)) return data;
  const { rows, total } = data as { readonly rows: readonly unknown[]; readonly total?: number };
  const changed = change(rows);
  return {
    ...data,
    rows: changed,
    ...(total === undefined ? {} : { total: total + changed.length - rows.length }),
  };
}

/** Asks anew what a method has answered: for acts that no event announces. */
export function useRefresh(): (...methods: readonly AdminMethod[]) => void {
  const queries = useQueryClient();
  return useCallback(
    (...methods) => {
      for (const method of methods) void queries.invalidateQueries({ queryKey: [method] });
    },
    [queries],
  );
}

/** True for the error of a connection that is gone, which the banner of the frame tells. */
export function isLost(error: unknown): boolean {
  return isAppError(error, 'NOT_RUNNING');
}
