/** Which field of a form an error of the registry is about. */
import { type ErrorCode, isAppError } from '../registry/spec/errors.ts';
import { sentencesOf } from './messages.ts';

/** What is wrong with each field, by its name; under `''` what is about none of them. */
export type FieldErrors = Readonly<Record<string, string | undefined>>;

/**
 * Answers what the registry says of each field. Arguments that do not fit are named by it
 * (`The arguments of users.add do not fit: name: …; repositories.0: ….`); for the rest `fields` says whose fault a code is.
 */
export function fieldErrorsOf(
  error: unknown,
  fields: Partial<Readonly<Record<ErrorCode, string>>> = {},
): FieldErrors {
  if (error === undefined) return {};
  const text = sentencesOf(error);
  if (!isAppError(error)) return { '': text };
  const [, issues] = /^The arguments of \S+ do not fit: (.*)\.$/s.exec(error.message) ?? [];
  if (issues === undefined) return { [fields[error.code] ?? '']: text };
  return Object.fromEntries(
    issues
      .split('; ')
      .map((issue) => /^(\w+)[^:]*: (.*)$/s.exec(issue) ?? [issue, '', issue])
      .map(([, field = '', issue = '']) => [field, `${issue.charAt(0).toUpperCase()}${issue.slice(1)}.`]),
  );
}
