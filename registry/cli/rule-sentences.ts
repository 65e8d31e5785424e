/** Rules as a person reads them. */
import type { ExpiryRule, Quota, Reason, RetentionRule } from '../spec/admin/rules.ts';
import { assertNever } from '../spec/errors.ts';
import { formatBytes } from './format.ts';

/** `Keep the newest 10 tags matching * in team/*. Delete the rest 30 days after the last pull. Never delete v*.` */
export function describeRetention({ repositories, tags, keep, never, enabled }: RetentionRule): string {
  const { newest, pushedWithinDays, pulledWithinDays } = keep;
  const matching = `matching ${tags.join(', ')} in ${repositories.join(', ')}`;
  const some = newest === 1 ? 'tag' : `${newest} tags`;
  const ages = [
    ...(pushedWithinDays === undefined ? [] : [`${inDays(pushedWithinDays)} after the push`]),
    ...(pulledWithinDays === undefined ? [] : [`${inDays(pulledWithinDays)} after the last pull`]),
  ];
  const when = ages.length === 0 ? '' : ` ${ages.join(' and ')}`;
  const sentences = [
    ...(newest === undefined ? [] : [`Keep the newest ${some} ${matching}.`]),
    newest === undefined ? `Delete tags ${matching}${when}.` : `Delete the rest${when}.`,
    ...(never.length === 0 ? [] : [`Never delete ${never.join(', ')}.`]),
    ...off(enabled),
  ];
  return sentences.join(' ');
}

/** `Tags matching pr-* in team/* expire 2d after the push.` */
export function describeExpiry(rule: ExpiryRule): string {
  const where = rule.repositories.join(', ');
  return [sentence(), ...off(rule.enabled)].join(' ');

  function sentence(): string {
    switch (rule.kind) {
      case 'suffix':
        return `Tags in ${where} expire after the time that their name ends in, such as 2h in pr-12-2h.`;
      case 'label':
        return `Tags in ${where} expire after the time in the label berth.expires-after or quay.expires-after.`;
      case 'age': {
        const since = rule.since === 'push' ? 'the push' : 'the last pull';
        return `Tags matching ${rule.tags.join(', ')} in ${where} expire ${rule.after} after ${since}.`;
      }
      default:
        return assertNever(rule);
    }
  }
}

/** `team/** together take 10GB and have 100 tags at most.` */
export function describeQuota({ repositories, bytes, tags }: Quota): string {
  const alsoTags = tags === undefined ? '' : ` and have ${tags} tags`;
  return `${repositories} together take ${formatBytes(bytes)}${alsoTags} at most.`;
}

/** Why a tag stays or goes, for a column. */
export function describeReason(reason: Reason, rule: string | undefined): string {
  const words: Readonly<Record<Reason, string>> = {
    protected: 'protected',
    expired: 'expired',
    never: 'never deleted',
    newest: 'among the newest',
    pushed: 'pushed lately',
    pulled: 'pulled lately',
    'no rule': 'no rule',
    'not kept': 'not kept',
  };
  return rule === undefined ? words[reason] : `${words[reason]} (${rule})`;
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

function off(enabled: boolean): readonly string[] {
  return enabled ? [] : ['(switched off)'];
}
