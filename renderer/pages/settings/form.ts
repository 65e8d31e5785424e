/** The form of the settings as the registry describes it: which control a setting has, and what is written in it. Pure. */
import type { SettingRow, SettingsForm } from '../../../registry/spec/admin/settings.ts';
import { shellLine } from '../../shell.ts';

export type Control =
  | { readonly kind: 'toggle' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'secret' }
  /** A list of single values, one a line. */
  | { readonly kind: 'lines' }
  /** Maps, and lists of maps. */
  | { readonly kind: 'yaml' }
  | { readonly kind: 'text' };

/** Chooses the control by the JSON Schema of the value. */
export function controlOf({ isSecret, schema }: Pick<SettingRow, 'isSecret' | 'schema'>): Control {
  if (isSecret) return { kind: 'secret' };
  const { type, enum: values } = schema;
  if (type === 'boolean') return { kind: 'toggle' };
  if (Array.isArray(values)) return { kind: 'choice', values: values.map(String) };
  if (type === 'object') return { kind: 'yaml' };
  const list = listOf(schema);
  if (list === undefined) return { kind: 'text' };
  return { kind: isSingle(list['items']) ? 'lines' : 'yaml' };
}

type Schema = Readonly<Record<string, unknown>>;

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}

/** The schema of a list, which may stand beside that of a single value. */
function listOf(schema: Schema): Schema | undefined {
  if (schema['type'] === 'array') return schema;
  const { anyOf } = schema;
  return Array.isArray(anyOf) ? anyOf.filter(isSchema).find(({ type }) => type === 'array') : undefined;
}

function isSingle(items: unknown): boolean {
  return !isSchema(items) || (items['type'] !== 'object' && items['type'] !== 'array');
}

/** What stands in the control for the present value; nothing where the setting is unset. */
export function textOf(field: SettingRow): string {
  const { value, kind } = field;
  if (kind === 'duration') return shortDuration(scalarText(value));
  switch (controlOf(field).kind) {
    case 'secret':
      return '';
    case 'lines':
      return Array.isArray(value) ? value.map(String).join('\n') : scalarText(value);
    case 'yaml':
      return yamlOf(value);
    default:
      return scalarText(value);
  }
}

function scalarText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** `168h0m0s` as a person writes it. */
function shortDuration(text: string): string {
  return text.replace(/m0s$/, 'm').replace(/h0m$/, 'h');
}

/** One entry a line, each in the way of JSON, which is YAML. */
function yamlOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `- ${JSON.stringify(item)}`).join('\n');
  if (!isSchema(value)) return scalarText(value);
  return Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}: ${JSON.stringify(item)}`)
    .join('\n');
}

export type Edit =
  | { readonly path: string; readonly value: string | boolean | string[] }
  | { readonly path: string; readonly text: string };

/** The change that a text in the control means; `undefined`: the setting goes back to its default. */
export function editOf(
  field: Pick<SettingRow, 'path' | 'isSecret' | 'schema'>,
  text: string,
): Edit | undefined {
  const { path } = field;
  if (text.trim() === '') return undefined;
  switch (controlOf(field).kind) {
    case 'toggle':
      return { path, value: text === 'true' };
    case 'lines':
      return { path, value: linesOf(text) };
    case 'yaml':
      return { path, text };
    default:
      return { path, value: text };
  }
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** How the command line sets the present value. */
export function cliOf(field: SettingRow): string {
  const { path, isSecret, kind, value } = field;
  if (isSecret) return shellLine('berth', 'config', 'set', path, '--stdin');
  const written = kind === 'duration' ? textOf(field) : value;
  return shellLine('berth', 'config', 'set', path, value === undefined ? 'VALUE' : cliValue(written));
}

function cliValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  // What YAML could take for something else is put into quotes.
  return /^[\w/][\w./@+%:-]*$/.test(value) ? value : JSON.stringify(value);
}

/** What a present value brings with it, that a person should know where it is written. */
export function warningOf({ path, value }: Pick<SettingRow, 'path' | 'value'>): string | undefined {
  if (path !== 'http.addr' || typeof value !== 'string') return undefined;
  const host = value.slice(0, value.lastIndexOf(':'));
  if (/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(host)) return undefined;
  return 'Other computers reach this registry. Whoever does needs a login, and has to trust its certificate: Connect says how.';
}

export interface Group {
  readonly id: string;
  readonly title: string;
  /** Names of sections of the form. */
  readonly sections: readonly string[];
}

/** How the sections of the form are put together; what is in none stands under `more`. */
export const groups: readonly Group[] = [
  { id: 'look', title: 'Look', sections: [] },
  { id: 'desktop', title: 'Desktop', sections: [] },
  { id: 'network', title: 'Network', sections: ['http', 'berth.listen', 'berth.http', 'berth.limits'] },
  { id: 'certificate', title: 'Certificate', sections: ['berth.tls'] },
  { id: 'login', title: 'Login', sections: ['auth', 'berth.auth', 'berth.web'] },
  { id: 'engines', title: 'Engines', sections: [] },
  { id: 'storage', title: 'Storage', sections: ['storage', 'berth.storage'] },
  { id: 'content', title: 'Content', sections: ['validation', 'berth.validation', 'catalog', 'tags'] },
  { id: 'logs', title: 'Logs and audit', sections: ['log', 'loglevel', 'berth.log', 'berth.audit'] },
  { id: 'webhooks', title: 'Webhooks', sections: ['notifications', 'berth.notifications'] },
  { id: 'health', title: 'Health', sections: ['health'] },
  { id: 'more', title: 'More', sections: ['version'] },
  { id: 'export', title: 'Export', sections: [] },
  { id: 'reset', title: 'Reset and uninstall', sections: [] },
];

/** The groups that there are: one is of the desktop app alone. */
export function groupsOf(isDesktop: boolean): readonly Group[] {
  return groups.filter(({ id }) => isDesktop || id !== 'desktop');
}

type Section = SettingsForm['sections'][number];

/** The sections of a group, in the order of the form. */
export function sectionsOf({ sections }: SettingsForm, { id, sections: names }: Group): readonly Section[] {
  const placed = new Set(groups.flatMap((each) => each.sections));
  return sections.filter(({ name }) => names.includes(name) || (id === 'more' && !placed.has(name)));
}

/** The sections with the settings in which every word occurs. */
export function findSettings({ sections }: SettingsForm, q: string): readonly Section[] {
  const words = q.toLowerCase().split(/\s+/);
  return sections
    .map(({ name, fields }) => ({
      name,
      fields: fields.filter(({ path, title, help }) => {
        const text = `${path} ${title} ${help}`.toLowerCase();
        return words.every((word) => text.includes(word));
      }),
    }))
    .filter(({ fields }) => fields.length > 0);
}
