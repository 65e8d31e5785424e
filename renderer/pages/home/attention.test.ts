import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CardRow } from '../../../registry/spec/admin/activity.ts';
import type { CertificateRow } from '../../../registry/spec/admin/certificate.ts';
import type { CheckRow, EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { ScrubStatus } from '../../../registry/spec/admin/integrity.ts';
import type { StatusRow } from '../../../registry/spec/admin/process.ts';
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import { attentionOf, type Known } from './attention.ts';

const now = Date.parse('2026-03-01T10:00:00.000Z');
const nothing: Known = {
  status: undefined,
  certificate: undefined,
  cards: undefined,
  webhooks: undefined,
  scrub: undefined,
  checks: undefined,
  mutedChecks: [],
  engines: undefined,
  mutedEngines: [],
  refusedLogins: [],
  expiring: undefined,
};
const part = <Row>(row: Partial<Row>): Row => row as Row;

function disk(state: StatusRow['disk']['state']): Pick<Known, 'status'> {
  return { status: part<StatusRow>({ disk: { state, freeBytes: 2_000_000_000 } }) };
}
function endsAt(validTo: string): Pick<Known, 'certificate'> {
  return { certificate: part<CertificateRow>({ leaf: part<CertificateRow['leaf']>({ validTo }) }) };
}
function damaged(...states: readonly ScrubStatus['damaged'][number]['state'][]): Pick<Known, 'scrub'> {
  const rows = states.map((state) => part<ScrubStatus['damaged'][number]>({ state }));
  return { scrub: part<ScrubStatus>({ damaged: rows, damagedTotal: rows.length }) };
}
function engine(
  id: string,
  kind: EngineRow['need']['kind'],
  state: EngineRow['state'] = 'running',
): EngineRow {
  return part<EngineRow>({ id, title: id, state, need: { kind, sentence: 'So and so.' } });
}
function check(id: string, status: CheckRow['status']): CheckRow {
  return { id, group: '', status, sentence: `${id} it is.` };
}
function expiring(total: number, tag: string): Pick<Known, 'expiring'> {
  const row = { repository: 'team/api', tag, digest: '', expiresAt: '2026-03-01T11:00:00.000Z', rule: 'ttl' };
  return { expiring: { rows: total === 0 ? [] : [row], total } };
}
function card(id: string): CardRow {
  const at = '2026-03-01T09:00:00.000Z';
  const row = { id, code: 'wrongPassword', address: '::1', firstAt: at, lastAt: at } as const;
  return { ...row, count: 2, client: 'docker 28.2', message: 'No.', action: `berth user passwd ${id}` };
}
const failing = { name: "it's ci", state: 'failing', error: 'refused', pending: 3 } as const;

for (const { name, known, texts } of [
  { name: 'nothing is known', known: {}, texts: [] },
  {
    name: 'all is well',
    known: {
      ...disk('ok'),
      ...endsAt('2026-04-01T00:00:00.000Z'),
      ...damaged('healed'),
      webhooks: [part<WebhookRow>({ state: 'ok' })],
      checks: [check('a', 'pass'), check('b', 'warn')],
      engines: [
        engine('docker', 'nothing'),
        engine('podman', 'certificate', 'stopped'),
        engine('k3d', 'cannot'),
      ],
      ...expiring(0, ''),
    },
    texts: [],
  },
  {
    name: 'the worst comes first',
    known: {
      ...disk('full'),
      ...endsAt('2026-03-04T10:00:00.000Z'),
      ...damaged('quarantined', 'healed', 'missing'),
      engines: [engine('podman', 'certificate')],
      ...expiring(2, '1'),
    },
    texts: [
      'The disk is full: pushes are refused. -> storage',
      '2 layers or manifests are damaged: images that need them cannot be pulled. -> storage',
      'The certificate expires in 3 days. -> settings',
      'podman does not trust this registry yet. -> berth trust add podman',
      '2 tags expire within a day, team/api:1 first. -> repository',
    ],
  },
  {
    name: 'one tag expires',
    known: expiring(1, '1'),
    texts: ['team/api:1 expires within a day. -> repository'],
  },
  {
    name: 'a certificate that is over is an error',
    known: { ...disk('low'), ...endsAt('2026-02-01T00:00:00.000Z') },
    texts: ['The certificate has expired. -> settings', 'The disk has 2GB left. -> storage'],
  },
  {
    name: 'a webhook that fails, with its name as one word of a shell',
    known: { webhooks: [part<WebhookRow>(failing)] },
    texts: [
      String.raw`The webhook it's ci cannot be reached: refused; 3 events wait. -> berth webhook retry 'it'\''s ci'`,
    ],
  },
  {
    name: 'checks that fail and are not muted',
    known: { checks: [check('a', 'fail'), check('b', 'fail'), check('c', 'fail')], mutedChecks: ['b'] },
    texts: ['a it is. And 1 more check fails. -> doctor'],
  },
  {
    name: 'engines that were put away are not told',
    known: {
      engines: [engine('docker', 'reload'), engine('podman', 'certificate')],
      mutedEngines: ['podman'],
    },
    texts: ['docker does not use this registry yet. So and so. -> berth trust add docker'],
  },
  {
    name: 'five cards, and how many more there are',
    known: { cards: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(card) },
    texts: [
      ...['a', 'b', 'c', 'd', 'e'].map((id) => `docker 28.2 at ::1, 2 times: No. -> berth user passwd ${id}`),
      '2 more clients make mistakes. -> berth activity --cards',
    ],
  },
]) {
  test(`what needs somebody: ${name}`, () => {
    const items = attentionOf({ ...nothing, ...known }, now);

    assert.deepEqual(
      items.map(({ text, link, command }) => `${text} -> ${link?.to.page ?? command ?? ''}`),
      texts,
    );
  });
}
