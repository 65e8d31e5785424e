import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readable } from 'node:stream';
import { startRegistry } from '../support/registry.ts';
import { linuxOnly, mostResidentMiB, residentMiB } from '../support/vitals.ts';
import { openUpload, sender } from './support.ts';

const sizeBytes = 2 ** 30;
const piece = Buffer.alloc(1024 * 1024, 'x');

test('memory stays bounded while 1 GiB is pushed in one chunked body', linuxOnly, async () => {
  await using registry = await startRegistry();
  const send = sender(registry);
  const location = await openUpload(send, 'big');
  const before = await residentMiB(registry.pid);

  let statuses: readonly unknown[] = [];
  const most = await mostResidentMiB(registry.pid, async () => {
    const pushed = await send('PATCH', location, { body: Readable.from(pieces()) });
    const cancelled = await send('DELETE', location);
    statuses = [pushed.status, pushed.headers.range, cancelled.status];
  });

  assert.deepEqual(statuses, [202, `0-${sizeBytes - 1}`, 204]);
  assert.ok(most - before < 128, `${before} MiB before, ${most} MiB at most`);
});

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < sizeBytes; sent += piece.length) yield piece;
}
