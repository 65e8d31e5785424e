import { type ErrorCode, isAppError } from '../../registry/spec/errors.ts';
import type { consentArguments } from '../contract/consent.ts';
import type { MethodsOf } from '../contract/shell-api.ts';

type ConsentMethods = MethodsOf<typeof consentArguments>;

/** Another sheet has to be agreed to first. */
const untried: ReadonlySet<ErrorCode> = new Set(['CONSENT_NEEDED', 'CHANGE_STALE']);

/** What became of a change of this computer that was agreed to. */
export interface ToldChange {
  readonly isDone: boolean;
  readonly text: string;
}

/** The same methods; those that change the computer also tell how that ended. */
export function tellChanges(methods: ConsentMethods, onChange: (change: ToldChange) => void): ConsentMethods {
  async function told<Result>(
    changing: Promise<Result>,
    textOf: (result: Result) => string,
  ): Promise<Result> {
    try {
      const result = await changing;
      onChange({ isDone: true, text: textOf(result) });
      return result;
    } catch (error) {
      if (isAppError(error) && !untried.has(error.code)) onChange({ isDone: false, text: error.message });
      throw error;
    }
  }

  return {
    ...methods,
    'trust.apply': (args) =>
      told(methods['trust.apply'](args), (rows) => rows.map(({ title }) => title).join('; ')),
    'login.apply': (args) =>
      told(
        methods['login.apply'](args),
        ({ address, user }) => `The login of ${user} at ${address} is kept.`,
      ),
    'changes.undo': (args) => told(methods['changes.undo'](args), ({ title }) => `Taken back: ${title}.`),
  };
}
