/** Words for what the registry names by a key. */
import type { DamageState } from '../../../registry/spec/admin/integrity.ts';
import type { Reason } from '../../../registry/spec/admin/rules.ts';
import type { CollectRow, CollectTrigger } from '../../../registry/spec/admin/upkeep.ts';

export const reasonsToCollect: Readonly<Record<CollectRow['why'], string>> = {
  untagged: 'Only an untagged manifest needs it',
  unreferenced: 'No manifest needs it',
};

export const triggers: Readonly<Record<CollectTrigger, string>> = {
  timer: 'By itself, on time',
  idle: 'By itself, while idle',
  'low-disk': 'The disk was getting full',
  asked: 'Asked for',
};

/** Why a tag stays or goes. */
export const decisionReasons: Readonly<Record<Reason, string>> = {
  protected: 'Protected',
  expired: 'Its time is over',
  never: 'Never deleted by this rule',
  newest: 'Among the newest',
  pushed: 'Pushed lately',
  pulled: 'Pulled lately',
  'no rule': 'No rule matches it',
  'not kept': 'Nothing keeps it',
};

export const damageWords: Readonly<Record<DamageState, { readonly word: string; readonly text: string }>> = {
  quarantined: {
    word: 'Wrong bytes',
    text: 'The bytes were others than those that were pushed; they were put aside.',
  },
  missing: { word: 'Missing', text: 'An image needs it, and there are no bytes.' },
  unlinked: {
    word: 'Not linked',
    text: 'The bytes are there, and a repository that needs them cannot read them.',
  },
  unreadable: { word: 'Not readable', text: 'The disk did not give the bytes; they are where they were.' },
  healed: { word: 'Healed', text: 'It was pushed again. The next check takes it off this list.' },
};
