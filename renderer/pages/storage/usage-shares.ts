import type { UsageRow } from '../../../registry/spec/admin/upkeep.ts';
import { formatBytes } from '../../format.ts';
import type { Share } from '../../parts/charts.tsx';

/** The room that is taken, in parts that do not overlap. */
export function sharesOf(usage: UsageRow, uploadBytes: number): readonly Share[] {
  const exclusiveBytes = usage.repositories.reduce((sum, row) => sum + row.exclusiveBytes, 0);
  const { trashBytes, reclaimableBytes, totalBytes, quarantinedBytes } = usage;
  // What several repositories use counts once here, and in each of them in its own row.
  const sharedBytes = Math.max(0, totalBytes - exclusiveBytes - trashBytes - reclaimableBytes);
  const parts = [
    ['One repository only', exclusiveBytes],
    ['Shared', sharedBytes],
    ['Trash', trashBytes],
    ['Reclaimable', reclaimableBytes],
    ['Unfinished uploads', uploadBytes],
    ['Quarantined', quarantinedBytes],
  ] as const;
  return parts.map(([label, value]) => ({ label, value, text: formatBytes(value) }));
}
