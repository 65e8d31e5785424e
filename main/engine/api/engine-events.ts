/** The engine's own word that it read its configuration again. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../registry/spec/errors.ts';
import type { Endpoint } from '../engine.ts';
import { readEngineInfo } from './engine-info.ts';
import { fieldsOf, parseFields } from './fields.ts';
import {
  asEngineError,
  describeEndpoint,
  engineRefusal,
  openEngineStream,
  withQuery,
  type WaitOptions,
} from './request.ts';

export interface ReloadOptions extends WaitOptions {
  /** Makes the engine reload: sends SIGHUP, or runs the service's reload. */
  readonly trigger: () => Promise<void>;
  /** How long to wait after the trigger has ended. */
  readonly timeoutMs: number;
}

/**
 * Runs the trigger and answers the attributes of the engine's reload event, among them `insecure-registries` and
 * `registry-mirrors` as JSON. dockerd sends none when it refuses its configuration. Throws ENGINE_FAILED when none comes
 * in time, and what the trigger throws.
 */
export async function waitForReload(
  endpoint: Endpoint,
  { trigger, timeoutMs, signal }: ReloadOptions,
): Promise<Readonly<Record<string, string>>> {
  const filters = JSON.stringify({ type: ['daemon'], event: ['reload'] });
  // dockerd answers the head of /events before it listens for events (20.10 system_routes.go, getEvents), but repeats
  // what has happened since a moment of its own clock.
  const since = unixTime((await readEngineInfo(endpoint, { signal })).systemTime);
  const path = withQuery('/events', { filters, ...(since === undefined ? {} : { since }) });
  const events = await openEngineStream(endpoint, { path, signal });
  let timer: NodeJS.Timeout | undefined;
  try {
    if (events.statusCode !== 200) {
      throw engineRefusal(endpoint, 'sends no events', `status ${events.statusCode ?? 0}`);
    }
    events.setTimeout(0); // it is silent until something happens
    const reload = firstReload(endpoint, events, signal);
    reload.catch(() => undefined); // awaited below: it may fail while the trigger still runs
    await trigger();
    timer = setTimeout(() => events.destroy(noReload(endpoint, timeoutMs)), timeoutMs);
    return await reload;
  } finally {
    clearTimeout(timer);
    events.destroy();
  }
}

async function firstReload(
  endpoint: Endpoint,
  events: IncomingMessage,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, string>>> {
  let rest = '';
  try {
    for await (const part of events.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const attributes = reloadAttributes(line);
        if (attributes !== undefined) return attributes;
      }
    }
  } catch (error) {
    throw asEngineError(endpoint, error, signal);
  }
  throw engineRefusal(endpoint, 'sends no more events', 'it stopped, or restarted.');
}

/** The attributes of a reload event, `undefined` for every other line. */
function reloadAttributes(line: string): Readonly<Record<string, string>> | undefined {
  const event = parseFields(line);
  if (event['Type'] !== 'daemon' || event['Action'] !== 'reload') return undefined;
  const attributes = Object.entries(fieldsOf(fieldsOf(event['Actor'])['Attributes']));
  return Object.fromEntries(attributes.map(([key, value]) => [key, String(value)]));
}

/** Seconds and nanoseconds since 1970, as /events takes them. */
function unixTime(rfc3339: string | undefined): string | undefined {
  const seconds = Math.floor(Date.parse(rfc3339 ?? '') / 1000);
  const [, fraction = ''] = /\.(\d{1,9})/.exec(rfc3339 ?? '') ?? [];
  return Number.isNaN(seconds) ? undefined : `${seconds}.${fraction.padEnd(9, '0')}`;
}

function noReload(endpoint: Endpoint, timeoutMs: number): AppError {
  return new AppError('ENGINE_FAILED', {
    message: `The engine at ${describeEndpoint(endpoint)} did not read its configuration again within ${timeoutMs} ms.`,
    hint: 'Its log says why: most often daemon.json is not valid, or repeats an option of its command line.',
  });
}
