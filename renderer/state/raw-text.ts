/** A raw manifest or blob, put together from its parts. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useLink } from './link.ts';

/** What is loaded without being asked for. */
const loadedBytes = 1024 * 1024;

export interface RawDocument {
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** As far as it is loaded; `undefined` for bytes that are no text. */
  readonly text: string | undefined;
  readonly isComplete: boolean;
}

export interface RawAnswer {
  readonly data: RawDocument | undefined;
  readonly error: unknown;
  readonly dataUpdatedAt: number;
  readonly refetch: () => unknown;
  /** Loads the next part. */
  readonly loadMore: () => void;
}

/** What `images.raw` answers: up to 1 MiB, then more on demand. A digest never means anything else. */
export function useRawText(repository: string, digest: string): RawAnswer {
  const link = useLink();
  const { data, error, dataUpdatedAt, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useInfiniteQuery({
      queryKey: ['images.raw', { repository, digest }],
      queryFn: async ({ pageParam, signal }) => {
        const client = await link.client();
        return await client.call('images.raw', { repository, digest, offset: pageParam }, { signal });
      },
      initialPageParam: 0,
      getNextPageParam: (last) => (last.encoding === 'utf8' ? last.next : undefined),
      placeholderData: undefined,
    });
  const pages = data?.pages ?? [];
  const [first] = pages;
  const isWanted = hasNextPage && !isFetchingNextPage && (pages.at(-1)?.next ?? 0) < loadedBytes;
  useEffect(() => {
    if (isWanted) void fetchNextPage();
  }, [isWanted, fetchNextPage]);
  return {
    data: first && {
      mediaType: first.mediaType,
      sizeBytes: first.size,
      text: pages.every(({ encoding }) => encoding === 'utf8')
        ? pages.map(({ text }) => text).join('')
        : undefined,
      isComplete: !hasNextPage,
    },
    error,
    dataUpdatedAt,
    refetch,
    loadMore: () => void fetchNextPage(),
  };
}
