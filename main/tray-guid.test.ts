import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trayGuid } from './tray-guid.ts';

test('the icon has a GUID on Windows where the program is signed, and nowhere else', () => {
  const guids = (['win32', 'darwin', 'linux'] as const).map((platform) => [
    trayGuid({ platform, isSigned: true }),
    trayGuid({ platform, isSigned: false }),
  ]);

  assert.match(guids[0]?.[0] ?? '', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.deepEqual(guids, [
    ['6c0f1d5e-3b7a-4c52-9d1e-8a4f27b3c961', undefined],
    [undefined, undefined],
    [undefined, undefined],
  ]);
});
