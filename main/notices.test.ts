import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CardRow } from '../registry/spec/admin/activity.ts';
import type { FeedItem } from '../registry/spec/admin-api.ts';
import { notificationDefaults } from './contract/preferences.ts';
import { type Circumstances, createNotices, type Happening } from './notices.ts';

const now = Date.parse('2026-11-26T12:00:00Z');
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const plain: Circumstances = {
  now,
  isFocused: false,
  isWindowVisible: false,
  isOn: (kind) => notificationDefaults[kind],
  toldAt: {},
};
const allOn: Circumstances = { ...plain, isOn: () => true };
const allOff: Circumstances = { ...plain, isOn: () => false };

const item = (fields: Partial<FeedItem> & Pick<FeedItem, 'kind'>): Happening => ({
  kind: 'feed',
  item: { seq: 1, at: new Date(now).toISOString(), ...fields },
});
const pushed = item({ kind: 'tagMoved', repository: 'team/api', tag: '1.4', user: 'dev' });
const pulled: Happening = {
  kind: 'pulled',
  row: { repository: 'team/api', tag: '1.4', bytesOut: 143_000_000, user: '' },
};
const failing = (code: string): Happening => ({
  kind: 'state',
  state: { kind: 'waiting', failure: { code, message: 'It is so.', hint: 'Do that.' }, retryAt: 0 },
});
const expiresIn = (hours: number): Happening => ({
  kind: 'certificate',
  validTo: new Date(now + hours * hourMs).toISOString(),
});
const low: Happening = { kind: 'disk', disk: { state: 'low', freeBytes: 2_000_000_000 } };
const full = item({ kind: 'diskChanged', disk: { state: 'full', freeBytes: 1000, reserveBytes: 5_000_000 } });
const changed = (isDone: boolean): Happening => ({ kind: 'change', isDone, text: 'Docker: trust' });

interface Row {
  readonly name: string;
  readonly happening: Happening;
  readonly circumstances?: Circumstances;
  /** Title and place; absent where nothing is told. */
  readonly told?: readonly [title: string, hash: string];
}

const rows: readonly Row[] = [
  {
    name: 'a crash',
    happening: failing('REGISTRY_ENDED'),
    told: ['The registry has crashed', '#/logs'],
  },
  {
    name: 'a start that fails',
    happening: failing('PORT_BUSY'),
    told: ['The registry cannot start', '#/home'],
  },
  { name: 'a start', happening: { kind: 'state', state: { kind: 'starting' } } },
  { name: 'a stop', happening: { kind: 'state', state: { kind: 'stopped' } } },
  {
    name: 'a crash in front of the person, who did not do it',
    happening: failing('REGISTRY_ENDED'),
    circumstances: { ...plain, isFocused: true, isWindowVisible: true },
    told: ['The registry has crashed', '#/logs'],
  },
  { name: 'a crash, switched off', happening: failing('REGISTRY_ENDED'), circumstances: allOff },
  {
    name: 'the first start without a window',
    happening: { kind: 'startedHidden' },
    told: ['Berth is running in the tray', '#/home'],
  },
  {
    name: 'another start without a window, years later',
    happening: { kind: 'startedHidden' },
    circumstances: { ...plain, toldAt: { tray: 0 } },
  },
  {
    name: 'a disk that runs full',
    happening: low,
    told: ['The disk of the registry runs full', '#/storage'],
  },
  {
    name: 'a disk that runs full, told 23 hours ago',
    happening: low,
    circumstances: { ...plain, toldAt: { diskLow: now - 23 * hourMs } },
  },
  {
    name: 'a disk that runs full, told a day ago',
    happening: low,
    circumstances: { ...plain, toldAt: { diskLow: now - 24 * hourMs } },
    told: ['The disk of the registry runs full', '#/storage'],
  },
  {
    name: 'a full disk, an hour after it was said to run full',
    happening: full,
    circumstances: { ...plain, toldAt: { diskLow: now - hourMs } },
    told: ['The disk is full: pushes are refused', '#/storage'],
  },
  { name: 'room again', happening: item({ kind: 'diskChanged', disk: { state: 'ok' } }) },
  { name: 'a certificate with 15 days', happening: expiresIn(15 * 24) },
  {
    name: 'a certificate with 14 days',
    happening: expiresIn(14 * 24),
    told: ['The certificate expires in 14 days', '#/settings/certificate'],
  },
  {
    name: 'a certificate with an hour',
    happening: expiresIn(1),
    told: ['The certificate expires in a day', '#/settings/certificate'],
  },
  {
    name: 'a certificate of yesterday',
    happening: expiresIn(-24),
    told: ['The certificate has expired', '#/settings/certificate'],
  },
  {
    name: 'an update',
    happening: { kind: 'updateReady', version: '1.2.0' },
    told: ['Berth 1.2.0 is ready', '#/settings/desktop'],
  },
  { name: 'a change', happening: changed(true), told: ['The computer was changed', '#/changes'] },
  {
    name: 'a change that was taken back',
    happening: changed(false),
    told: ['The computer was not changed', '#/changes'],
  },
  {
    name: 'a change in front of the person',
    happening: changed(true),
    circumstances: { ...plain, isFocused: true, isWindowVisible: true },
  },
  { name: 'a push', happening: pushed },
  {
    name: 'a push, switched on',
    happening: pushed,
    circumstances: allOn,
    told: ['team/api:1.4 was pushed', '#/repositories/team/api'],
  },
  {
    name: 'a push that the window shows',
    happening: pushed,
    circumstances: { ...allOn, isWindowVisible: true },
  },
  { name: 'a pull', happening: pulled },
  {
    name: 'a pull, switched on',
    happening: pulled,
    circumstances: allOn,
    told: ['team/api:1.4 was pulled', '#/activity'],
  },
  { name: 'what else happens', happening: item({ kind: 'collected' }), circumstances: allOn },
];

suite('a notification', () => {
  for (const { name, happening, circumstances = plain, told } of rows) {
    test(`of ${name}: ${told === undefined ? 'none' : told[0]}`, () => {
      const notice = createNotices()(happening, circumstances);

      assert.deepEqual(notice && [notice.title, notice.hash], told);
    });
  }

  test('of a registry that crashes all the time comes once in ten minutes', () => {
    const judge = createNotices();
    const times = [0, 0.1, 5, 9.9, 10, 12].map((minutes) => now + minutes * minuteMs);

    const told = times.map((at) => judge(failing('REGISTRY_ENDED'), { ...plain, now: at }) !== undefined);

    assert.deepEqual(told, [true, false, false, false, true, false]);
  });
});

suite('logins that fail', () => {
  const card = (count: number, fields: Partial<CardRow> = {}): CardRow => ({
    id: '1',
    code: 'wrongPassword',
    address: '10.0.0.7',
    user: 'dev',
    count,
    firstAt: new Date(now).toISOString(),
    lastAt: new Date(now).toISOString(),
    message: '',
    action: '',
    ...fields,
  });
  const feed = (given: CardRow, more: Partial<FeedItem> = {}): Happening =>
    item({ kind: 'cardChanged', card: given, ...more });

  interface Step {
    readonly afterMs?: number;
    readonly happening: Happening;
  }
  const cases: readonly { readonly name: string; readonly steps: readonly Step[]; readonly told: string }[] =
    [
      {
        name: 'four within a minute',
        steps: [{ happening: feed(card(3)) }, { happening: feed(card(4)) }],
        told: '- -',
      },
      {
        name: 'five within a minute, and more of them',
        steps: [{ happening: feed(card(3)) }, { happening: feed(card(5)) }, { happening: feed(card(9)) }],
        told: '- 5 -',
      },
      {
        name: 'five of two clients',
        steps: [{ happening: feed(card(3)) }, { happening: feed(card(3, { id: '2' })) }],
        told: '- 6',
      },
      {
        name: 'five, slowly',
        steps: [{ happening: feed(card(3)) }, { afterMs: 61_000, happening: feed(card(5)) }],
        told: '- -',
      },
      {
        name: 'one more of a client that failed a hundred times before',
        steps: [{ happening: feed(card(100, { firstAt: new Date(now - hourMs).toISOString() })) }],
        told: '-',
      },
      {
        name: 'a minute after they were told of',
        steps: [{ happening: feed(card(5)) }, { afterMs: 60_000, happening: feed(card(10)) }],
        told: '5 5',
      },
      {
        name: 'a card that was put away, and comes back',
        steps: [
          { happening: feed(card(3)) },
          { happening: feed(card(3), { isDismissed: true }) },
          { happening: feed(card(3)) },
        ],
        told: '- - 6',
      },
      { name: 'other mistakes', steps: [{ happening: feed(card(50, { code: 'noPermission' })) }], told: '-' },
    ];

  for (const { name, steps, told } of cases) {
    test(name, () => {
      const judge = createNotices();

      const said = steps.map(({ afterMs = 0, happening }) => {
        const notice = judge(happening, { ...plain, now: now + afterMs });
        return notice === undefined ? '-' : (notice.title.split(' ')[0] ?? '');
      });

      assert.equal(said.join(' '), told);
    });
  }
});
