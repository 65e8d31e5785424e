import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTransferMethods, type TransferDeps } from './transfer.ts';

/** Whoever comes this far has the rights: nothing of the registry is touched before. */
const untouched = new Proxy({} as TransferDeps, {
  get: (_, name) => (name === 'log' ? { for: () => undefined } : name === 'root' ? '/data' : undefined),
});
const remote = { user: 'anna', requestId: 'r1', address: '192.0.2.7' };
const { signal } = new AbortController();

test('files on the computer of the registry are not for those who come over the network', async () => {
  const methods = createTransferMethods(untouched);
  const path = '/tmp/bundle.tar';

  const calls = [
    () =>
      methods['bundles.export'](
        { references: [], path, since: [], overwrite: false },
        { signal, actor: remote },
      ),
    () => methods['bundles.inspect']({ path }, { signal, actor: remote }),
    () => methods['bundles.import']({ path, renames: [], dryRun: true }, { signal, actor: remote }),
  ];

  for (const call of calls) await assert.rejects(call, { code: 'DENIED' });
});
