/**
 * The config of an image (OCI image-spec, "Image Configuration"; docker "Image JSON"), read as tolerantly as can be: what
 * is missing, `null` or of another type is left out, and the rest is told.
 */
import { z } from 'zod';
import type { EnvRow, HealthcheckRow, ImageConfig } from '../spec/admin/image.ts';

export interface HistoryEntry {
  readonly created: string | undefined;
  readonly createdBy: string;
  readonly author: string | undefined;
  readonly comment: string | undefined;
  readonly isEmpty: boolean;
}

export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly history: readonly HistoryEntry[];
}

/** Text, also where a program wrote a number or a truth value; empty is absent, as Go writes it. */
const text = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((value) => (value === '' ? undefined : String(value)))
  .optional()
  .catch(undefined);
const count = z.coerce.number().optional().catch(undefined);
const texts = z
  .union([z.array(text), z.string().transform((one): readonly (string | undefined)[] => [one])])
  .transform((list) => list.map((each) => each ?? ''))
  .catch([]);
const keys = z
  .union([z.record(z.string(), z.unknown()).transform((record) => Object.keys(record)), texts])
  .catch([]);
const settings = z
  .object({
    User: text,
    WorkingDir: text,
    StopSignal: text,
    Entrypoint: texts,
    Cmd: texts,
    Env: texts,
    ExposedPorts: keys,
    Volumes: keys,
    Labels: z.record(z.string(), text).catch({}),
    Healthcheck: z
      .object({ Test: texts, Interval: count, Timeout: count, StartPeriod: count, Retries: count })
      .optional()
      .catch(undefined),
  })
  .partial()
  .catch({});
const historyEntry = z
  .object({
    created: text,
    created_by: text,
    author: text,
    comment: text,
    empty_layer: z.union([z.boolean(), z.literal('true').transform(() => true)]).catch(false),
  })
  .partial()
  .catch({});
const schema = z
  .object({
    os: text,
    architecture: text,
    variant: text,
    created: text,
    author: text,
    config: settings,
    history: z.array(historyEntry).catch([]),
  })
  .partial();

/** Answers `undefined` for what is no JSON object at all. */
export function parseImageConfig(json: string): ParsedConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { success, data } = schema.safeParse(value);
  if (!success) return undefined;
  const { os, architecture, variant, created, author, config: said = {}, history = [] } = data;
  const single = {
    os,
    architecture,
    variant,
    created,
    author,
    user: said.User,
    workingDir: said.WorkingDir,
    stopSignal: said.StopSignal,
  };
  return {
    config: {
      ...present(single),
      entrypoint: said.Entrypoint ?? [],
      cmd: said.Cmd ?? [],
      env: (said.Env ?? []).map(envRow),
      ports: said.ExposedPorts ?? [],
      volumes: said.Volumes ?? [],
      labels: Object.entries(said.Labels ?? {})
        .map(([name, label]) => ({ name, value: label ?? '' }))
        .toSorted((a, b) => ociFirst(a.name, b.name)),
      ...healthcheck(said.Healthcheck),
    },
    history: history.map((each) => ({
      created: each.created,
      createdBy: each.created_by ?? '',
      author: each.author,
      comment: each.comment,
      isEmpty: each.empty_layer ?? false,
    })),
  };
}

function envRow(entry: string): EnvRow {
  const equals = entry.indexOf('=');
  const name = equals < 0 ? entry : entry.slice(0, equals);
  return { name, value: equals < 0 ? '' : entry.slice(equals + 1), isSecretLooking: isSecretName(name) };
}

/** True for names like those of passwords and keys: DB_PASSWORD, apiKey, NPM_TOKEN; not for KEYBOARD. */
export function isSecretName(name: string): boolean {
  return /pass(?:w|phrase|_|$)|pwd|token|secret|credential|key(?![a-z])/i.test(name);
}

const ociPrefix = 'org.opencontainers.';

function ociFirst(a: string, b: string): number {
  const rank = (name: string): number => (name.startsWith(ociPrefix) ? 0 : 1);
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}

const nanosecondsPerMs = 1_000_000;

function healthcheck(said: z.output<typeof settings>['Healthcheck']): {
  readonly healthcheck?: HealthcheckRow;
} {
  // Docker: no test inherits that of the base image, which the config would then hold.
  if (said === undefined || said.Test.length === 0) return {};
  const ms = (nanoseconds: number | undefined): number | undefined =>
    nanoseconds === undefined || nanoseconds === 0 ? undefined : nanoseconds / nanosecondsPerMs;
  return {
    healthcheck: {
      test: said.Test,
      ...present({
        intervalMs: ms(said.Interval),
        timeoutMs: ms(said.Timeout),
        startPeriodMs: ms(said.StartPeriod),
        retries: said.Retries === 0 ? undefined : said.Retries,
      }),
    },
  };
}

/** The fields that are there. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
