import type { UsageRow } from '../../../registry/spec/admin/upkeep.ts';

/** A part of what is stored. */
export interface StorageShare {
  readonly label: string;
  readonly value: number;
  readonly isFree?: boolean;
}

/** What is stored, in parts that have nothing in common, and what is free. */
export function sharesOf({
  repositories,
  totalBytes,
  trashBytes,
  reclaimableBytes,
  freeBytes,
}: Pick<
  UsageRow,
  'repositories' | 'totalBytes' | 'trashBytes' | 'reclaimableBytes' | 'freeBytes'
>): readonly StorageShare[] {
  const exclusive = repositories.reduce((sum, { exclusiveBytes }) => sum + exclusiveBytes, 0);
  const images = Math.min(exclusive, totalBytes);
  const rest = totalBytes - images;
  const trash = Math.min(trashBytes, rest);
  const reclaimable = Math.min(reclaimableBytes, rest - trash);
  return [
    { label: 'images', value: images },
    { label: 'shared layers', value: rest - trash - reclaimable },
    { label: 'trash', value: trash },
    { label: 'reclaimable', value: reclaimable },
    ...(freeBytes === undefined ? [] : [{ label: 'free', value: freeBytes, isFree: true }]),
  ];
}
