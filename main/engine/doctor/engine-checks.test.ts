import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../registry/spec/errors.ts';
import { checkLogin } from './engine-checks.ts';

const podman = { id: 'podman', title: 'Podman 5.4', kind: 'podman', address: 'localhost:5443' } as const;
const hint = 'Set XDG_RUNTIME_DIR.';
const unreadable = new AppError('DATA_UNUSABLE', { message: 'Cannot read "/run/auth.json": EACCES.', hint });

const rows = [
  { name: 'has a login', find: async () => 'as dev', status: 'pass', evidence: undefined, fix: undefined },
  { name: 'has none', find: async () => undefined, status: 'fail', evidence: undefined, fix: 'Log it in.' },
  {
    name: 'cannot read its file',
    find: async () => Promise.reject(unreadable),
    status: 'fail',
    evidence: unreadable.message,
    fix: hint,
  },
];
for (const { name, find, status, evidence, fix } of rows) {
  test(`an engine whose client ${name}`, async () => {
    const check = await checkLogin({ findLogin: find, isOpen: false }, podman);

    assert.deepEqual([check.status, check.evidence, check.fix?.sentence], [status, evidence, fix]);
  });
}

test('a fault of the program is none of the engine', async () => {
  const findLogin = async () => Promise.reject(new TypeError('x'));

  await assert.rejects(checkLogin({ findLogin, isOpen: false }, podman), TypeError);
});
