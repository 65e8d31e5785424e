import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readable } from 'node:stream';
import { startRegistry } from '../support/registry.ts';
import { residentMiB } from '../support/vitals.ts';
import { openUpload, sender } from './support.ts';

const sizeBytes = 2 ** 30;
const piece = Buffer.alloc(1024 * 1024, 'x');

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

test('memory stays bounded while 1 GiB is pushed in one chunked body', linuxOnly, async () => {
  await using registry = await startRegistry();
  const send = sender(registry);
  const location = await openUpload(send, 'big');
  const before = await residentMiB(registry.pid);
  let most = before;
  const look = async (): Promise<void> => {
    most = Math.max(most, await residentMiB(registry.pid));
  };
  const watch = setInterval(() => void look(), 50);

  const pushed = await send('PATCH', location, { body: Readable.from(pieces()) });
  const cancelled = await send('DELETE', location);

  clearInterval(watch);
  assert.deepEqual([pushed.status, pushed.headers.range, cancelled.status], [202, `0-${sizeBytes - 1}`, 204]);
  assert.ok(most - before < 128, `${before} MiB before, ${most} MiB at most`);
});

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < sizeBytes; sent += piece.length) yield piece;
}
