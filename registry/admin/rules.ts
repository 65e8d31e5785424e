/** Retention, expiring tags, quotas and protected tags. */
import type { Tasks } from '../feed/tasks.ts';
import { type Rules, unknownRule } from '../rules/rules.ts';
import type { Tidy } from '../rules/tidy.ts';
import type { Outcome, rulesArguments } from '../spec/admin/rules.ts';
import { AppError } from '../spec/errors.ts';
import type { MethodsOf } from './server.ts';

export interface RulesDeps {
  readonly rules: Rules;
  readonly tidy: Tidy;
  readonly tasks: Tasks;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

export function createRulesMethods({
  rules,
  tidy,
  tasks,
  mustBeWritable,
}: RulesDeps): MethodsOf<typeof rulesArguments> {
  return {
    async 'rules.get'({ id }) {
      const present = rules.current();
      if (id === undefined) return present;
      const found = {
        retention: present.retention.filter((rule) => rule.id === id),
        protected: present.protected.filter((rule) => rule === id),
        expiry: present.expiry.filter((rule) => rule.id === id),
        quotas: present.quotas.filter((rule) => rule.id === id),
      };
      if (Object.values(found).some((section) => section.length > 0)) return found;
      const { retention, expiry, quotas } = present;
      throw unknownRule(id, [
        ...[...retention, ...expiry, ...quotas].map((rule) => rule.id),
        ...present.protected,
      ]);
    },
    'rules.simulate': ({ rules: sections = {}, after, limit, only }, { signal }) =>
      tidy.simulate({ rules: rules.changed(sections), after, limit, only, signal }),
    'rules.expiring': ({ withinMs, limit }, { signal }) => tidy.expiring({ withinMs, limit, signal }),
    async 'rules.set'({ rules: sections, plan, confirmCount }, { signal, actor }) {
      return await rules.edit(async () => {
        const next = rules.changed(sections);
        const outcome = await tidy.outcome(next, { signal });
        mustBeCurrent(outcome, plan);
        mustBeConfirmed(outcome, confirmCount);
        return next;
      }, actor);
    },
    async 'rules.run'(_, { signal, actor }) {
      mustBeWritable();
      return await tasks.run({ kind: 'rules', unit: 'items', signal, user: actor.user }, (task) =>
        tidy.run({ signal: task.signal, actor, progress: (done) => task.progress(done) }),
      );
    },
    'protect.list': async () => rules.protections(),
    async 'protect.add'({ rule }, { actor }) {
      if (!rules.protections().some((each) => each.rule === rule)) {
        await rules.edit((present) => ({ ...present, protected: [...present.protected, rule] }), actor);
      }
      return rules.protections();
    },
    async 'protect.remove'({ rule }, { actor }) {
      const present = rules.protections();
      const found = present.filter((each) => each.rule === rule);
      if (found.length === 0) {
        throw unknownRule(
          rule,
          present.map((each) => each.rule),
        );
      }
      if (found.every(({ source }) => source === 'configuration')) {
        throw new AppError('RULE_UNKNOWN', {
          message: `The rule "${rule}" stands in the configuration.`,
          hint: 'Take it out of berth.storage.protectedtags.',
        });
      }
      await rules.edit(
        (now) => ({ ...now, protected: now.protected.filter((each) => each !== rule) }),
        actor,
      );
      return rules.protections();
    },
  };
}

function mustBeCurrent(outcome: Outcome, plan: string): void {
  if (plan === outcome.plan) return;
  throw new AppError('PLAN_STALE', {
    message: `This is not what a simulation of these rules says now: they would delete ${outcome.deletedTags} tags and keep ${outcome.keptTags}.`,
    hint: `Look at it with berth rules simulate. The plan is ${outcome.plan} now.`,
    detail: outcome,
  });
}

function mustBeConfirmed(outcome: Outcome, count: number | undefined): void {
  const { emptiedRepositories, emptied, deletedTags } = outcome;
  if (emptiedRepositories === 0 || count === deletedTags) return;
  const more = emptiedRepositories > emptied.length ? ' and more' : '';
  throw new AppError('COUNT_NEEDED', {
    message: `These rules would delete every tag of ${emptied.join(', ')}${more}, ${deletedTags} tags in all.`,
    hint: `To agree, confirm the number of deletions: --count ${deletedTags}`,
    detail: outcome,
  });
}
