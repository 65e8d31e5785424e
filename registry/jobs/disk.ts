import type { DiskRow } from '../spec/admin/process.ts';
import type { Log } from '../spec/log-record.ts';
import { startEvery } from './every.ts';

/** Looks at the room on the disk from time to time, and tells when it becomes another of `ok`, `low` and `full`. */
export function startDiskWatch({
  look,
  onChange,
  log: root,
  everyMs = 5000,
}: {
  readonly look: () => Promise<DiskRow>;
  readonly onChange: (disk: DiskRow) => void;
  readonly log: Log;
  readonly everyMs?: number;
}): AsyncDisposable {
  const log = root.for('jobs');
  let state: DiskRow['state'] = 'ok';
  return startEvery({
    firstMs: 0,
    everyMs,
    async act() {
      const disk = await look();
      if (disk.state === state) return;
      ({ state } = disk);
      onChange(disk);
    },
    onError: (error) =>
      log.warn('diskUnread', 'the room on the disk could not be read', {
        'err.message': error instanceof Error ? error.message : '',
      }),
  });
}
