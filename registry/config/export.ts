/** What was said otherwise than the default, for another machine: as a file, or as variables of the environment. */
import { Document, isCollection } from 'yaml';
import { hidesSecrets, writtenValue } from './describe.ts';
import { type Field, supportedFields, valueAt } from './fields.ts';
import type { LoadedConfig } from './load.ts';
import { formatValue } from './save.ts';

/** Answers a file that says the same; secrets are left out, with a comment for each. */
export function exportFile(loaded: LoadedConfig): string {
  const document = new Document({ version: '0.1' });
  for (const { field, value } of saidIn(loaded)) {
    const node = document.createNode(value);
    if (isCollection(node)) node.flow = true;
    document.setIn(field.path.split('.'), node);
  }
  return `${leftOut(loaded)}${document.toString({ lineWidth: 0 })}`;
}

/** Answers lines `NAME=value` that say the same, as `docker run --env-file` reads them; secrets as in `exportFile`. */
export function exportEnvironment(loaded: LoadedConfig): string {
  const lines = saidIn(loaded)
    .filter(({ field }) => field.env !== '')
    .map(({ field, value }) => `${field.env}=${formatValue(value)}\n`);
  return `${leftOut(loaded)}${lines.join('')}`;
}

interface Said {
  readonly field: Field;
  readonly value: unknown;
}

function allSaid(loaded: LoadedConfig): readonly Said[] {
  return supportedFields
    .filter(({ path }) => path !== 'version' && isSaid(loaded, path))
    .map((field) => ({ field, value: writtenValue(field, valueAt(loaded.config, field.path)) }));
}

function saidIn(loaded: LoadedConfig): readonly Said[] {
  return allSaid(loaded).filter(({ field, value }) => !hidesSecrets(field, value));
}

function leftOut(loaded: LoadedConfig): string {
  return allSaid(loaded)
    .filter(({ field, value }) => hidesSecrets(field, value))
    .map(({ field: { path } }) => `# ${path} holds secrets and is left out.\n`)
    .join('');
}

/** The old name of the level is read as the new one; `auth.none: false` says nothing. */
function isSaid({ config, sources }: LoadedConfig, path: string): boolean {
  const value = valueAt(config, path);
  const isNothing = value === undefined || path === 'loglevel' || (path === 'auth.none' && value === false);
  return !isNothing && (sources.get(path)?.kind ?? 'default') !== 'default';
}
