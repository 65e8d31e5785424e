/** The configuration for people and editors: values with their sources, the JSON Schema, the reference page. */

import { Document, isCollection, isNode } from 'yaml';
import { z } from 'zod';
import type { FieldMeta } from '../spec/config-fields.ts';
import { configSchema } from '../spec/config.ts';
import type { Config } from '../spec/config.ts';
import { formatDuration } from '../spec/duration.ts';
import { shownUrl } from '../spec/webhook.ts';
import { fields, metaOf, supportedFields, valueAt } from './fields.ts';
import type { Field } from './fields.ts';
import type { LoadedConfig } from './load.ts';
import { tableRow } from './markdown.ts';

/**
 * Answers the configuration in force as a file that could be loaded, with the source of each value as a comment.
 * Secrets are shown as `***`.
 */
export function printConfig({ config, sources }: LoadedConfig): string {
  const document = new Document({});
  // Only one way to log in may be named in a file.
  const unnamed = config.auth.none ? 'auth.htpasswd.' : 'auth.none';
  for (const field of supportedFields.filter(({ path }) => !path.startsWith(unnamed))) {
    const value = valueAt(config, field.path);
    if (value === undefined) continue;
    const node = document.createNode(writtenValue(field, value));
    if (isCollection(node)) node.flow = true;
    const { kind, where } = sources.get(field.path) ?? { kind: 'default', where: '' };
    if (isNode(node)) node.comment = ` ${kind} ${where}`.trimEnd();
    document.setIn(field.path.split('.'), node);
  }
  return document.toString({ lineWidth: 0 });
}

/** The JSON Schema of the configuration file, for editors and for the settings form. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const meta = metaOf(zodSchema);
      if (!meta) return;
      jsonSchema.description = meta.help;
      const narrowed = narrow(meta);
      if (!narrowed) return;
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, narrowed);
    },
  });
  const { auth, storage } = schema.properties ?? {};
  return {
    ...schema,
    title: 'Berth configuration',
    properties: {
      ...schema.properties,
      // Both may also be written as the bare name of a provider or driver.
      auth: { anyOf: [{ enum: ['none', 'htpasswd'] }, auth] },
      storage: { anyOf: [{ enum: ['inmemory', 'filesystem'] }, storage] },
    },
  };
}

/** The page docs/reference/config.md. */
export function renderConfigPage(): string {
  const lines = [
    '# Configuration',
    '',
    'The file is the one named by `-c`, else by `REGISTRY_CONFIGURATION_PATH`, else `berth/config.yml` in the data',
    "directory. It is distribution's `config.yml`; what is Berth's own stands under `berth:`, which distribution",
    'ignores. A value from the environment wins over the file, an option of the command line wins over both.',
    '',
    '- A variable is `REGISTRY_` and the path in upper case joined by `_`; under `berth:` it is `BERTH_`. The value is',
    '  read as YAML. An item of a list is named by its index (`REGISTRY_HTTP_TLS_CIPHERSUITES_0`); one past the end',
    '  appends. Variables apply in the order of their names.',
    '- A duration has a unit: `ns`, `us`, `ms`, `s`, `m` or `h`, as in `1h30m`. A size is bytes, or has a unit: `4MiB`.',
    '- `ignored` keys are read past with a notice. `refused` keys end the start, because going on would loosen',
    '  security, lose data or change what is served. Names that are not known are listed with the nearest one.',
    '- `berth config check` reads the configuration without starting; `berth config print` shows each value and',
    '  where it comes from.',
    '',
    'A change by `berth config set` is in force at once where the column Restart is empty; so is one of the file on',
    'SIGHUP. Where it says `listener` or `process`, the next start takes it.',
    '',
  ];
  for (const section of new Set(fields.map(({ path }) => sectionOf(path)))) {
    lines.push(
      `## ${section}`,
      '',
      '| Key | Type | Default | Level | Restart | What it does |',
      '| --- | --- | --- | --- | --- | --- |',
    );
    for (const field of fields.filter(({ path }) => sectionOf(path) === section)) {
      const supported = field.level === 'supported';
      lines.push(
        tableRow([
          `\`${field.path}\`${field.env === '' ? '' : `<br>\`${field.env}\``}`,
          supported ? field.type : '',
          supported ? field.default : '',
          field.level,
          supported && field.restart !== 'none' ? field.restart : '',
          `${field.title}. ${field.help}`,
        ]),
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** Whether a value is shown with `***` in the place of what nobody shall see. */
export function hidesSecrets({ path, secret }: Pick<Field, 'path' | 'secret'>, shown: unknown): boolean {
  return (secret || path === 'notifications.endpoints') && JSON.stringify(shown ?? null).includes('***');
}

/** A value as one would write it in the file; a secret as `***`. */
export function writtenValue(field: Field, value: unknown): unknown {
  if (field.secret) return '***';
  if (field.path === 'notifications.endpoints' && Array.isArray(value)) return value.map(writtenEndpoint);
  if (field.path === 'health.file' && Array.isArray(value))
    return value.map((check: Config['health']['file'][number]) => ({
      ...check,
      interval: formatDuration(check.interval),
    }));
  return field.type === 'duration' && typeof value === 'number' ? formatDuration(value) : value;
}

/** Headers often hold a token. */
function writtenEndpoint({
  url,
  headers,
  secret,
  timeout,
  backoff,
  ...rest
}: Config['notifications']['endpoints'][number]) {
  return {
    ...rest,
    url: shownUrl(url),
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, ['***']])),
    timeout: formatDuration(timeout),
    backoff: formatDuration(backoff),
    ...(secret === undefined ? {} : { secret: '***' }),
  };
}

function narrow({ kind, values }: FieldMeta): object | undefined {
  if (values) return { type: 'string', enum: values };
  if (kind === 'true or false') return { type: 'boolean' };
  if (kind === 'whole number') return { type: 'integer' };
  return kind === 'duration' ? { type: 'string' } : undefined;
}

/** The part of the configuration that a setting belongs to, for people. */
export function sectionOf(path: string): string {
  const [first = '', second = ''] = path.split('.');
  return first === 'berth' ? `berth.${second}` : first;
}
