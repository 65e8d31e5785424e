import { z } from 'zod';
import type { Actor } from '../../spec/events.ts';
import { AppError } from '../../spec/errors.ts';
import { type FirstAnswers, firstMethods } from '../../spec/first-questions.ts';

/** A question as it came: its arguments are checked where it is answered. */
export type AskedFirst = readonly [method: (typeof firstMethods)[number], args: unknown];

/** Answers questions, and never throws for one of them. */
export type AnswerFirst = (asked: readonly AskedFirst[], actor: Actor) => Promise<FirstAnswers>;

const schema = z.array(z.tuple([z.enum(firstMethods), z.unknown()])).max(10);

/** @throws AppError PARAMETER_INVALID for what is no list of methods that may be asked so */
export function parseFirst(text: string): readonly AskedFirst[] {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new AppError('PARAMETER_INVALID', {
      message: '`first` is not a list of at most ten [method, arguments] as JSON, of methods that only read.',
    });
  }
}
