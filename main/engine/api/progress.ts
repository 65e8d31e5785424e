/** What the engine tells while it imports, pushes or pulls: one JSON value per line, at last its result. */
import type { Endpoint } from '../engine.ts';
import { fieldsOf, parseFields, textOf } from './fields.ts';
import { engineRefusal, type EngineAnswer } from './request.ts';

export interface ProgressLine {
  readonly status: string | undefined;
  /** The digest in the last line of a push. */
  readonly digest: string | undefined;
}

/**
 * Answers the lines of the whole answer. The head says 200 before the work begins, so that a failure is a line with an
 * `error`: it throws ENGINE_FAILED with that sentence. Lines that are no JSON are skipped.
 */
export function readProgress(
  endpoint: Endpoint,
  task: string,
  { body }: Pick<EngineAnswer, 'body'>,
): readonly ProgressLine[] {
  const lines = body.toString('utf8').split('\n').map(parseLine);
  const failed = lines.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) throw engineRefusal(endpoint, task, failed.error);
  return lines;
}

function parseLine(line: string): ProgressLine & { readonly error: string | undefined } {
  const fields = parseFields(line);
  return {
    status: textOf(fields['status']),
    digest: textOf(fieldsOf(fields['aux'])['Digest']),
    error: textOf(fields['error']) ?? textOf(fieldsOf(fields['errorDetail'])['message']),
  };
}
