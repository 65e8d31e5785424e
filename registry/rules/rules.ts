/** The rules of a registry: what is in force, and how that is changed. */
import { nearest } from '../spec/nearest.ts';
import { makePrivateDirectory } from '../disk/private-file.ts';
import type { ChangedRules, ProtectionRow, RuleSet } from '../spec/admin/rules.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, RuleEvents } from '../spec/events.ts';
import { createLocks } from '../store/locks.ts';
import { type CompiledRules, compileRules } from './compiled.ts';
import { findTwice, readRules, writeRules } from './rules-file.ts';
import { join } from 'node:path';

export interface Rules {
  current(): RuleSet;
  /** Those in force; the same value as long as they are the same. */
  compiled(): CompiledRules;
  /**
   * What the rules would be with some sections changed.
   * @throws AppError RULES_INVALID
   */
  changed(sections: ChangedRules): RuleSet;
  compile(rules: RuleSet): CompiledRules;
  /**
   * Changes the rules one after the other; durable and in force when it resolves.
   * @throws AppError DATA_UNUSABLE, and what `change` throws
   */
  edit(change: (present: RuleSet) => Promise<RuleSet> | RuleSet, actor: Actor): Promise<RuleSet>;
  protections(): readonly ProtectionRow[];
}

export interface RulesOptions {
  /** The data directory. */
  readonly root: string;
  /** `berth.storage.protectedtags`. */
  readonly configured: () => readonly string[];
  /** `berth.storage.shortestlife`, in milliseconds. */
  readonly shortestLifeMs: () => number;
  readonly events: Pick<RuleEvents, 'rulesChanged'>;
}

/**
 * Reads the rules of a data directory.
 * @throws AppError RULES_INVALID, DATA_UNUSABLE
 */
export async function openRules({ root, configured, shortestLifeMs, events }: RulesOptions): Promise<Rules> {
  let present = await readRules(root);
  const locks = createLocks();
  let kept: { readonly key: readonly unknown[]; readonly compiled: CompiledRules } | undefined;

  function compile(rules: RuleSet): CompiledRules {
    return compileRules(rules, { alsoProtected: configured(), shortestLifeMs: shortestLifeMs() });
  }

  return {
    current: () => present,
    compile,
    compiled() {
      const key = [present, configured().join(' '), shortestLifeMs()];
      if (kept === undefined || key.some((part, at) => part !== kept?.key[at])) {
        kept = { key, compiled: compile(present) };
      }
      return kept.compiled;
    },
    changed({ retention, protected: protections, expiry, quotas }) {
      const rules = {
        retention: retention ?? present.retention,
        protected: protections ?? present.protected,
        expiry: expiry ?? present.expiry,
        quotas: quotas ?? present.quotas,
      };
      const twice = findTwice(rules);
      if (twice === undefined) return rules;
      throw new AppError('RULES_INVALID', { message: `Two rules have the id "${twice}".` });
    },
    edit: (change, actor) =>
      locks.exclusive('rules', async () => {
        const next = await change(present);
        await makePrivateDirectory(join(root, 'berth'));
        await writeRules(root, next);
        present = next;
        await events.rulesChanged({ actor });
        return next;
      }),
    protections: () => [
      ...configured().map((rule) => ({ rule, source: 'configuration' as const })),
      ...present.protected.map((rule) => ({ rule, source: 'rules' as const })),
    ],
  };
}

/** The error for a rule that does not exist, with the nearest that does. */
export function unknownRule(name: string, known: readonly string[]): AppError {
  const near = nearest(name, known);
  return new AppError('RULE_UNKNOWN', {
    message: `There is no rule "${name}"${near === undefined ? '.' : `; did you mean ${near}?`}`,
  });
}
