import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystemMethods } from './system-methods.ts';

for (const { name, facts, expected } of [
  { name: 'all of it', facts: {}, expected: ['system.tray pass', 'system.keychain pass'] },
  {
    name: 'neither tray nor keychain',
    facts: { isTrayShown: async () => false, isKeychainSafe: async () => false },
    expected: ['system.tray warn', 'system.keychain warn'],
  },
  {
    name: 'a tray that nobody wants',
    facts: { hasTray: () => false, isTrayShown: async () => false },
    expected: ['system.tray skip', 'system.keychain pass'],
  },
  { name: 'another system', facts: { platform: 'darwin' as const }, expected: ['system.keychain pass'] },
]) {
  test(`the checks of a desktop with ${name}`, async () => {
    const methods = createSystemMethods({
      platform: 'linux',
      hasTray: () => true,
      isTrayShown: async () => true,
      isKeychainSafe: async () => true,
      ...facts,
    });

    const checks = await methods['system.check']({});

    assert.deepEqual(
      checks.map(({ id, status }) => `${id} ${status}`),
      expected,
    );
  });
}
