/** What the engine tells while it imports, pushes or pulls: one JSON value per line, at last its result. */
import { createInterface } from 'node:readline';
import type { Endpoint } from '../engine.ts';
import { fieldsOf, parseFields, textOf } from './fields.ts';
import {
  asEngineError,
  engineMessage,
  engineRefusal,
  type EngineAnswer,
  type EngineRequest,
  openEngineStream,
} from './request.ts';

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

/**
 * Sends a request and reads its lines as they come, however many; answers the last digest. Throws ENGINE_FAILED as
 * `readProgress` does, also for a status of 400 and more, and the reason of a signal.
 */
export async function followProgress(
  endpoint: Endpoint,
  task: string,
  request: EngineRequest,
): Promise<Pick<ProgressLine, 'digest'>> {
  const response = await openEngineStream(endpoint, request);
  const { statusCode: status = 0, headers } = response;
  let digest: string | undefined;
  try {
    for await (const line of createInterface({ input: response })) {
      if (status >= 400)
        throw engineRefusal(endpoint, task, engineMessage({ status, headers, body: Buffer.from(line) }), {
          status,
        });
      const said = parseLine(line);
      if (said.error !== undefined) throw engineRefusal(endpoint, task, said.error);
      digest = said.digest ?? digest;
    }
  } catch (error) {
    throw asEngineError(endpoint, error, request.signal);
  } finally {
    response.destroy();
  }
  if (status >= 400) throw engineRefusal(endpoint, task, `status ${status}`, { status });
  return { digest };
}

function parseLine(line: string): ProgressLine & { readonly error: string | undefined } {
  const fields = parseFields(line);
  return {
    status: textOf(fields['status']),
    digest: textOf(fieldsOf(fields['aux'])['Digest']),
    error: textOf(fields['error']) ?? textOf(fieldsOf(fields['errorDetail'])['message']),
  };
}
