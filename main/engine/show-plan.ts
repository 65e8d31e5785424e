/** A plan as a person sees it before agreeing: what is written where, against what is there now. */
import { X509Certificate } from 'node:crypto';
import { bytesAfter, type Change, describePlace, type Plan, planHash } from './change.ts';
import { openPlace } from './changes/places.ts';
import { renderDiff } from './files/diff.ts';
import type { Host } from './host.ts';

export interface ShownChange {
  readonly title: string;
  readonly engine: string;
  /** A path, or what stands for one. */
  readonly where: string;
  /** Nothing is there yet. */
  readonly isNew: boolean;
  /** `as an administrator`, `then: systemctl reload docker`. */
  readonly how: readonly string[];
  /** Unified; empty for a certificate that is new, and where everything is in place. */
  readonly diff: string;
  /** What is put there, where that is one certificate. */
  readonly certificate?: {
    readonly subject: string;
    /** RFC 3339. */
    readonly validTo: string;
    /** SHA-256, upper-case hexadecimal with colons. */
    readonly fingerprint: string;
  };
  /** How a person does the same. */
  readonly manual: readonly string[];
}

export interface ShownPlan {
  /** What a consent names: see `planHash`. */
  readonly hash: string;
  readonly title: string;
  readonly why: string;
  readonly changes: readonly ShownChange[];
  readonly effects: readonly string[];
}

/** Reads what is there now. Throws as the places of the changes do: DATA_UNUSABLE, ENGINE_FAILED. */
export async function showPlan(host: Host, plan: Plan): Promise<ShownPlan> {
  const { title, why, effects } = plan;
  const changes = await Promise.all(plan.changes.map((change) => showChange(host, change)));
  return { hash: planHash(plan), title, why, changes, effects };
}

async function showChange(host: Host, change: Change): Promise<ShownChange> {
  const { title, engine, place, needsRoot, activation, manual } = change;
  const current = await openPlace(host, place).read();
  const after = bytesAfter(change).toString('utf8');
  const certificate = findCertificate(after);
  return {
    title,
    engine,
    where: describePlace(place),
    isNew: current === undefined,
    how: [
      ...(place.kind === 'engine-file' ? ["through the engine's own API"] : []),
      ...(needsRoot ? ['as an administrator'] : []),
      ...(activation.kind === 'run' || activation.kind === 'reload'
        ? [`then: ${activation.command.join(' ')}`]
        : []),
    ],
    diff: certificate === undefined ? diffOf(change, current, after) : '',
    ...(certificate === undefined ? {} : { certificate }),
    manual,
  };
}

/** The diff of a change. Lines beside ours may hold a password: Docker's config.json, or a proxy in daemon.json. */
export function diffOf(change: Change, current: Uint8Array | undefined, after: string): string {
  const before = current === undefined ? '' : Buffer.from(current).toString('utf8');
  const context = change.edit.kind === 'json-member' ? 0 : 2;
  return renderDiff(before, after, { context }).replaceAll(/:\/\/[^/\s"]*@/g, '://***@');
}

/** What a person wants to know of a certificate; `undefined` if the text is none. */
function findCertificate(text: string): ShownChange['certificate'] {
  if (!text.startsWith('-----BEGIN CERTIFICATE-----')) return undefined;
  const { subject, fingerprint256, validToDate } = new X509Certificate(text);
  return {
    subject: subject.replace(/^CN=/, ''),
    validTo: validToDate.toISOString(),
    fingerprint: fingerprint256,
  };
}
