/**
 * Rules that are being written: kept while the window is, wherever the reader goes, and over a reload. `base` is what the
 * draft began from, so that rules which somebody else saves meanwhile are not overwritten unseen.
 */
import { useSyncExternalStore } from 'react';
import type { ChangedRules, RuleSet } from '../../../registry/spec/admin/rules.ts';
import { changedSections, formsOf, type RuleForms, type Section } from './rule-forms.ts';

type Saved = Pick<RuleSet, Section>;

interface Draft {
  readonly base: string;
  readonly forms: RuleForms;
}

const key = 'berth.rules';
const listeners = new Set<() => void>();
let draft: Draft | undefined = read();
/** The sections that were simulated last, as JSON. */
let simulated: string | undefined;
if (draft !== undefined) addEventListener('beforeunload', warn);

function read(): Draft | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

function set(next: Draft | undefined): void {
  draft = next;
  if (next === undefined) {
    sessionStorage.removeItem(key);
    removeEventListener('beforeunload', warn);
  } else {
    sessionStorage.setItem(key, JSON.stringify(next));
    addEventListener('beforeunload', warn);
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The browser asks before it closes the window over rules that are not saved. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** True while there are rules that are not saved. */
export function useHasDraft(): boolean {
  return useSyncExternalStore(subscribe, () => draft !== undefined);
}

export interface RulesDraft {
  readonly forms: RuleForms;
  readonly isChanged: boolean;
  /** The saved rules are others than those that the draft began from. */
  readonly isOutdated: boolean;
  /** What the draft changes of the saved rules. */
  readonly changes: ChangedRules;
  readonly change: (forms: RuleForms) => void;
  readonly discard: () => void;
  /** Goes on from the rules as they are saved, with the forms as they are. */
  readonly rebase: () => void;
  /** The sections that were simulated last; `undefined` before. */
  readonly simulated: ChangedRules | undefined;
  /** What was simulated last is what the forms say. */
  readonly isSimulated: boolean;
  readonly setSimulated: (changes: ChangedRules | undefined) => void;
}

/** The rules as they are being written, or as they are saved. */
export function useRulesDraft(saved: Saved): RulesDraft {
  const present = useSyncExternalStore(subscribe, () => draft);
  const shown = useSyncExternalStore(subscribe, () => simulated);
  const base = textOf(saved);
  const forms = present?.forms ?? formsOf(saved);
  const changes = changedSections(forms, saved);
  return {
    forms,
    changes,
    isChanged: present !== undefined,
    isOutdated: present !== undefined && present.base !== base,
    change(next) {
      // Compared as text: a blank may hold what is no rule yet.
      const isBack = JSON.stringify(next) === JSON.stringify(formsOf(saved));
      set(isBack ? undefined : { base: present?.base ?? base, forms: next });
    },
    discard: () => set(undefined),
    rebase: () => set({ base, forms }),
    simulated: shown === undefined ? undefined : (JSON.parse(shown) as ChangedRules),
    isSimulated: shown === JSON.stringify(changes),
    setSimulated(next) {
      simulated = next === undefined ? undefined : JSON.stringify(next);
      set(draft);
    },
  };
}

function textOf({ retention, expiry, quotas }: Saved): string {
  return JSON.stringify({ retention, expiry, quotas });
}
