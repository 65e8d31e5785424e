/** What of the registry needs a person, the most severe first; each with one place to go or one command. */
import type { CardRow } from '../../../registry/spec/admin/activity.ts';
import type { CertificateRow } from '../../../registry/spec/admin/certificate.ts';
import type { CheckRow, EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { ScrubStatus } from '../../../registry/spec/admin/integrity.ts';
import type { StatusRow } from '../../../registry/spec/admin/process.ts';
import type { RulesResults } from '../../../registry/spec/admin/rules.ts';
import type { WebhookRow } from '../../../registry/spec/admin/webhooks.ts';
import { formatBytes, formatCount, formatPlural, formatReference } from '../../format.ts';
import type { Route } from '../../place.ts';
import { needOf } from '../doctor/engine-need.ts';
import { shellWord } from '../../shell.ts';

export interface AttentionItem {
  readonly id: string;
  readonly kind: 'error' | 'warn';
  readonly text: string;
  readonly link?: { readonly label: string; readonly to: Route };
  readonly command?: string;
  /** It may be put away: a card of the registry, or what an engine needs, in this browser. */
  readonly dismiss?: { readonly kind: 'card' | 'engine' | 'login'; readonly id: string };
}

/** What is known; absent parts are not known yet. */
export interface Known {
  readonly status: StatusRow | undefined;
  readonly certificate: CertificateRow | undefined;
  readonly cards: readonly CardRow[] | undefined;
  readonly webhooks: readonly WebhookRow[] | undefined;
  readonly scrub: ScrubStatus | undefined;
  readonly checks: readonly CheckRow[] | undefined;
  readonly mutedChecks: readonly string[];
  readonly engines: readonly EngineRow[] | undefined;
  readonly mutedEngines: readonly string[];
  readonly refusedLogins: readonly string[];
  /** Within a day, the next one first. */
  readonly expiring: RulesResults['rules.expiring'] | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;
/** As long before the end as the banner of the frame tells it. */
const certificateDays = 14;
const mostCards = 5;

/** `now` is in milliseconds since the epoch. */
export function attentionOf(known: Known, now: number): readonly AttentionItem[] {
  const items = [
    ...ofDisk(known.status),
    ...ofDamage(known.scrub),
    ...ofCertificate(known.certificate, now),
    ...ofWebhooks(known.webhooks ?? []),
    ...ofChecks((known.checks ?? []).filter(({ id }) => !known.mutedChecks.includes(id))),
    ...ofCards(known.cards ?? []),
    ...ofEngines((known.engines ?? []).filter(({ id }) => !known.mutedEngines.includes(id))),
    ...ofLogins((known.engines ?? []).filter(({ id }) => known.refusedLogins.includes(id))),
    ...ofExpiring(known.expiring),
  ];
  return items.toSorted((a, b) => Number(b.kind === 'error') - Number(a.kind === 'error'));
}

function ofDisk(status: StatusRow | undefined): readonly AttentionItem[] {
  const { state = 'ok', freeBytes = 0 } = status?.disk ?? {};
  if (state === 'ok') return [];
  const link = { label: 'Free space', to: { page: 'storage' } } as const;
  return [
    state === 'full'
      ? { id: 'disk', kind: 'error', text: 'The disk is full: pushes are refused.', link }
      : { id: 'disk', kind: 'warn', text: `The disk has ${formatBytes(freeBytes)} left.`, link },
  ];
}

function ofDamage(scrub: ScrubStatus | undefined): readonly AttentionItem[] {
  const open = scrub?.damaged.filter(({ state }) => state !== 'healed').length ?? 0;
  if (open === 0) return [];
  const count = Math.max(open, (scrub?.damagedTotal ?? 0) - (scrub?.damaged.length ?? 0) + open);
  return [
    {
      id: 'damage',
      kind: 'error',
      text: `${formatPlural(count, 'layer or manifest is', 'layers or manifests are')} damaged: images that need them cannot be pulled.`,
      link: { label: 'See what is damaged', to: { page: 'storage', tab: 'verify' } },
    },
  ];
}

function ofCertificate(certificate: CertificateRow | undefined, now: number): readonly AttentionItem[] {
  if (certificate === undefined) return [];
  const days = Math.ceil((Date.parse(certificate.leaf.validTo) - now) / dayMs);
  if (days >= certificateDays) return [];
  return [
    {
      id: 'certificate',
      kind: days <= 0 ? 'error' : 'warn',
      text:
        days <= 0
          ? 'The certificate has expired.'
          : `The certificate expires in ${formatPlural(days, 'day')}.`,
      link: { label: 'Certificate', to: { page: 'settings', tab: 'certificate' } },
    },
  ];
}

function ofWebhooks(webhooks: readonly WebhookRow[]): readonly AttentionItem[] {
  return webhooks
    .filter(({ state }) => state === 'failing')
    .map(({ name, error, pending }) => ({
      id: `webhook ${name}`,
      kind: 'warn',
      text: `The webhook ${name} cannot be reached${error === undefined ? '' : `: ${error}`}; ${formatPlural(pending, 'event waits', 'events wait')}.`,
      command: `berth webhook retry ${shellWord(name)}`,
    }));
}

function ofChecks(checks: readonly CheckRow[]): readonly AttentionItem[] {
  const failing = checks.filter(({ status }) => status === 'fail');
  const [first] = failing;
  if (first === undefined) return [];
  const more =
    failing.length === 1
      ? ''
      : ` And ${formatPlural(failing.length - 1, 'more check fails', 'more checks fail')}.`;
  return [
    {
      id: 'checks',
      kind: 'warn',
      text: `${first.sentence}${more}`,
      link: { label: 'Doctor', to: { page: 'doctor' } },
    },
  ];
}

function ofCards(cards: readonly CardRow[]): readonly AttentionItem[] {
  const shown = cards
    .slice(0, mostCards)
    .map(({ id, client, address, count, message, action }): AttentionItem => ({
      id: `card ${id}`,
      kind: 'warn',
      text: `${client ?? 'A client'} at ${address}${count > 1 ? `, ${formatCount(count)} times` : ''}: ${message}`,
      command: action,
      dismiss: { kind: 'card', id },
    }));
  const more = cards.length - shown.length;
  if (more <= 0) return shown;
  return [
    ...shown,
    {
      id: 'cards',
      kind: 'warn',
      text: `${formatPlural(more, 'more client makes', 'more clients make')} mistakes.`,
      command: 'berth activity --cards',
    },
  ];
}

function ofEngines(engines: readonly EngineRow[]): readonly AttentionItem[] {
  return engines
    .filter((engine) => engine.state === 'running' && needOf(engine).tone === 'warn')
    .map(({ id, title, need }) => ({
      id: `engine ${id}`,
      kind: 'warn',
      text:
        need.kind === 'certificate' || need.kind === 'keychain'
          ? `${title} does not trust this registry yet.`
          : `${title} does not use this registry yet. ${need.sentence}`,
      command: `berth trust add ${shellWord(id)}`,
      dismiss: { kind: 'engine', id },
    }));
}

/** Of engines whose login was refused when it was asked: those that need more than that are told of already. */
function ofLogins(engines: readonly EngineRow[]): readonly AttentionItem[] {
  return engines
    .filter(({ state, need }) => state === 'running' && need.kind === 'nothing')
    .map(({ id, title }) => ({
      id: `login ${id}`,
      kind: 'warn',
      text: `${title} is not logged in to this registry yet.`,
      command: `berth login --engine ${shellWord(id)}`,
      dismiss: { kind: 'login', id },
    }));
}

function ofExpiring(expiring: Known['expiring']): readonly AttentionItem[] {
  const [first] = expiring?.rows ?? [];
  if (expiring === undefined || first === undefined) return [];
  const name = formatReference(first.repository, first.tag);
  return [
    {
      id: 'expiring',
      kind: 'warn',
      text:
        expiring.total === 1
          ? `${name} expires within a day.`
          : `${formatPlural(expiring.total, 'tag')} expire within a day, ${name} first.`,
      link: { label: 'See the tag', to: { page: 'repository', repository: first.repository } },
    },
  ];
}
