import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import type { AdminEvents, AuditEvent } from '../spec/events.ts';
import { createAdminEvents } from './admin-events.ts';

const actor = { user: 'anna', requestId: 'r' };

const cases: Readonly<
  Record<string, { act: (events: AdminEvents) => Promise<void>; noted: readonly unknown[]; told: string }>
> = {
  'a user that is added': {
    act: (events) => events.userChanged({ name: 'ben', change: 'added', actor }),
    noted: ['userChanged', 'anna', 'ben', 'added'],
    told: 'userChanged ben',
  },
  'a password that is set': {
    act: (events) => events.userChanged({ name: 'ben', change: 'password', actor }),
    noted: ['passwordChanged', 'anna', 'ben', 'password'],
    told: 'userChanged ben',
  },
  'a role that is given': {
    act: (events) => events.userChanged({ name: 'ben', change: 'role', actor }),
    noted: ['roleChanged', 'anna', 'ben', 'role'],
    told: 'userChanged ben',
  },
  'users that are imported': {
    act: (events) => events.usersImported({ added: ['a', 'b'], changed: ['c'], actor }),
    noted: ['userChanged', 'anna', 'a b c', 'imported'],
    told: 'userChanged a b c',
  },
  'a token that is made': {
    act: (events) => events.tokenChanged({ id: 't1', change: 'created', owner: 'ben', actor }),
    noted: ['tokenChanged', 'anna', 't1', 'created for ben'],
    told: 'tokenChanged t1',
  },
  'settings that a file changed': {
    act: (events) => events.settingsChanged({ paths: ['log.level', 'http.host'], pending: [] }),
    noted: ['settingChanged', '', 'log.level http.host', undefined],
    told: 'settingsChanged log.level http.host',
  },
  'a certificate that is renewed': {
    act: (events) => events.certificateRenewed({ fingerprint: 'AB:CD', actor }),
    noted: ['certificateChanged', 'anna', 'AB:CD', 'renewed'],
    told: 'certificateChanged ',
  },
  'an authority that is sealed': {
    act: (events) => events.authoritySealed({ fingerprint: 'AB:CD', actor }),
    noted: ['certificateChanged', 'anna', 'AB:CD', 'authority sealed'],
    told: 'certificateChanged ',
  },
};

for (const [name, { act, noted, told }] of Object.entries(cases)) {
  test(`${name} is logged, told and noted`, async () => {
    const ring = createRing();
    const lines: AuditEvent[] = [];
    const items: string[] = [];
    const events = createAdminEvents(
      createLogger({ write: () => undefined, ring }),
      { publish: ({ kind, names = [] }) => items.push(`${kind} ${names.join(' ')}`) },
      { audited: async (event) => void lines.push(event) },
    );

    await act(events);

    assert.deepEqual(
      lines.map(({ kind, actor: who, subject, detail }) => [kind, who.user, subject, detail]),
      [noted],
    );
    assert.deepEqual([items, ring.snapshot().length], [[told], 1]);
  });
}
