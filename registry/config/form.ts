/** The settings as a form: each with its meaning, its JSON Schema, its value and where that comes from. */
import type { SettingRow, SettingsForm } from '../spec/admin/settings.ts';
import { configJsonSchema, sectionOf, writtenValue } from './describe.ts';
import { type Field, supportedFields, valueAt } from './fields.ts';
import { lockOf, type Settings } from './settings.ts';

/** Answers the form of the supported settings, in the order of the reference page. */
export function settingsForm(settings: Settings): SettingsForm {
  const schema = configJsonSchema();
  const pending = new Set(settings.pending());
  const rows = supportedFields.map((field) => rowOf(field, { settings, schema, pending }));
  const names = [...new Set(rows.map(({ path }) => sectionOf(path)))];
  return {
    sections: names.map((name) => ({ name, fields: rows.filter(({ path }) => sectionOf(path) === name) })),
    file: settings.file,
  };
}

function rowOf(
  field: Field,
  {
    settings,
    schema,
    pending,
  }: { readonly settings: Settings; readonly schema: object; readonly pending: ReadonlySet<string> },
): SettingRow {
  const { path, title, help, type, restart, secret } = field;
  const { config, sources } = settings.newest();
  const value = valueAt(config, path);
  const source = sources.get(path);
  return {
    path,
    title,
    help,
    kind: type,
    default: field.default,
    restart,
    isSecret: secret,
    schema: schemaAt(schema, path.split('.')),
    ...(value === undefined ? {} : { value: writtenValue(field, value) }),
    source: source?.kind ?? 'default',
    ...lockOf(source),
    isPending: pending.has(path),
  };
}

/** The schema of one value, inside of that of the file. */
function schemaAt(schema: object, path: readonly string[]): Readonly<Record<string, unknown>> {
  const [key, ...rest] = path;
  if (key === undefined) return { ...schema };
  const places = [schema, ...('anyOf' in schema && Array.isArray(schema.anyOf) ? schema.anyOf : [])];
  const inner = places.flatMap((place: unknown) => propertiesOf(place)[key] ?? [])[0];
  if (inner === undefined) throw new Error(`the schema has no ${path.join('.')}`);
  return schemaAt(inner, rest);
}

function propertiesOf(schema: unknown): Readonly<Record<string, object | undefined>> {
  return typeof schema === 'object' && schema !== null && 'properties' in schema
    ? (schema.properties as Readonly<Record<string, object | undefined>>)
    : {};
}
