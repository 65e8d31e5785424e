import { useMemo } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { problemOf } from '../../messages.ts';
import { useCalls } from '../../state/calls.ts';
import type { Details, PlatformRow } from './tag-nodes.ts';

/** What is below the tags that are open, by tag. Each of them is asked for once. */
export function useDetails(
  repository: string,
  rows: readonly TagRow[],
  open: ReadonlySet<string>,
): ReadonlyMap<string, Details> {
  const shown = useMemo(() => (open.size === 0 ? [] : rows.filter(({ tag }) => open.has(tag))), [rows, open]);
  const images = useCalls(
    'images.get',
    useMemo(() => shown.map(({ digest }) => ({ repository, reference: digest })), [repository, shown]),
  );
  const referrers = useCalls(
    'referrers.list',
    useMemo(() => shown.map(({ digest }) => ({ repository, digest })), [repository, shown]),
  );
  return useMemo(
    () =>
      new Map(
        shown.map(({ tag }, index): [string, Details] => {
          const [image, attached] = [images[index], referrers[index]];
          const error = image?.error ?? attached?.error ?? undefined;
          const isHere = image?.data !== undefined && attached?.data !== undefined;
          const note = isHere ? undefined : error === undefined ? 'Loading' : problemOf(error).title;
          return [
            tag,
            {
              platforms: image?.data === undefined ? [] : platformsOf(image.data),
              referrers: attached?.data?.rows ?? [],
              ...(note === undefined ? {} : { note }),
            },
          ];
        }),
      ),
    [shown, images, referrers],
  );
}

/** The children of an index; else the image itself. */
function platformsOf({ children, manifest, bytes, config }: ImageDetail): readonly PlatformRow[] {
  if (children.length > 0 || manifest === undefined) return children;
  return [
    {
      digest: manifest.digest,
      isAttestation: false,
      platform: manifest.platform,
      totalBytes: bytes.total,
      createdAt: config?.created,
    },
  ];
}
