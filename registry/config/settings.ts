/**
 * The settings of a process that runs. What file, environment and options say is read anew when they are changed here
 * and when somebody asks for it; of that, the fields that need no restart come into force at once:
 *
 *   newest     what a start would take now
 *   current    restart: none -> as in newest; else -> as at the start
 *
 * Whoever uses such a field reads it through `live`, each time. `onChange` is for what has to act: a timer, a
 * certificate. Changes are written to the file before they come into force, one after the other.
 */
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { withFileLock } from '../disk/file-lock.ts';
import { makePrivateDirectory, systemCode, writePrivateFile } from '../disk/private-file.ts';
import type { SettingsChange } from '../spec/admin/settings.ts';
import type { Config } from '../spec/config.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { hidesSecrets } from './describe.ts';
import { type Field, fields, supportedFields, valueAt, withValues } from './fields.ts';
import type { LoadedConfig } from './load.ts';
import { nearest } from '../spec/nearest.ts';
import { editConfig, ownConfigFile } from './save.ts';

/** A setting by its dotted path; `undefined` takes it out of the file. */
export interface SettingEdit {
  readonly path: string;
  readonly value: unknown;
}

export interface SettingsOptions {
  readonly loaded: LoadedConfig;
  /** Loads again; with a text as if the file held that. */
  readonly load: LoadConfig;
  /** The data directory. */
  readonly root: string;
}

export type LoadConfig = (text?: string) => Promise<LoadedConfig>;

export interface Settings {
  /** What is in force. */
  readonly current: () => Config;
  /** What a start would take, as far as this process knows. */
  newest(): LoadedConfig;
  /** Answers a function that answers what `make` makes of the settings in force; it is made anew when they changed. */
  readonly live: <Value>(make: (config: Config) => Value) => () => Value;
  /** Calls back with the paths that came into force; answers how to stop that. */
  readonly onChange: (listener: (paths: readonly string[]) => void) => () => void;
  /** Where changes are written. */
  readonly file: string;
  /** The paths whose newest value waits for a restart. */
  pending(): readonly string[];
  /**
   * Changes the file, durably, and what is in force: all of it or nothing. With `isApplied` the process acts on the
   * values already, whatever they say of a restart.
   * @throws AppError SETTING_UNKNOWN, SETTING_LOCKED, CONFIG_INVALID (names each field and why), USAGE, DATA_UNUSABLE
   */
  change(edits: readonly SettingEdit[], options?: { readonly isApplied?: boolean }): Promise<SettingsChange>;
  /** Reads file, environment and options again, and answers what came into force. Throws CONFIG_INVALID. */
  reload(): Promise<readonly string[]>;
}

/** Holds the settings that a process was started with. */
export function createSettings({ loaded, load, root }: SettingsOptions): Settings {
  const file = loaded.file ?? ownConfigFile(root);
  const lock = join(root, 'berth', 'config.lock');
  const listeners = new Set<(paths: readonly string[]) => void>();
  let started = loaded.config;
  let newest = loaded;
  let current = loaded.config;
  let lastTurn: Promise<unknown> = Promise.resolve();

  function inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const turn = lastTurn.then(step);
    lastTurn = turn.catch(() => undefined);
    return turn;
  }

  function enforce(next: LoadedConfig): readonly string[] {
    const before = current;
    newest = next;
    current = withValues(started, new Map(live.map(({ path }) => [path, valueAt(next.config, path)])));
    const paths = live.map(({ path }) => path).filter((path) => differ(before, current, path));
    if (paths.length > 0) for (const listener of listeners) listener(paths);
    return paths;
  }

  async function write(edits: readonly SettingEdit[]): Promise<LoadedConfig> {
    await makePrivateDirectory(dirname(lock));
    return await withFileLock(lock, async () => {
      const present = await load();
      for (const edit of edits) judge(edit, present);
      const text = await readIfThere(file);
      const changed = editConfig(
        text,
        edits.map(({ path, value }) => ({ path: path.split('.'), value })),
      );
      refuseSideEffects(edits, present, await tryOut(changed));
      if (changed !== text) await replace(file, changed, file === ownConfigFile(root));
      return await load();
    });
  }

  async function tryOut(text: string): Promise<LoadedConfig> {
    try {
      return await load(text);
    } catch (error) {
      if (!isAppError(error, 'CONFIG_INVALID')) throw error;
      const hint = 'Nothing was changed. docs/reference/config.md says what each setting takes.';
      throw new AppError('CONFIG_INVALID', { message: error.message, hint });
    }
  }

  return {
    file,
    current: () => current,
    newest: () => newest,
    live(make) {
      let of: Config | undefined;
      let value: ReturnType<typeof make>;
      return () => {
        if (of !== current) value = make(current);
        of = current;
        return value;
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pending,
    change: (edits, { isApplied = false } = {}) =>
      inTurn(async () => {
        const next = await write(edits);
        if (isApplied)
          started = withValues(started, new Map(edits.map(({ path }) => [path, valueAt(next.config, path)])));
        enforce(next);
        const waiting = new Set(pending());
        const changed = supportedFields.filter(({ path }) => edits.some((edit) => edit.path === path));
        return {
          inForce: changed.map(({ path }) => path).filter((path) => !waiting.has(path)),
          pending: changed.flatMap(({ path, restart }) =>
            restart === 'none' || !waiting.has(path) ? [] : [{ path, restart }],
          ),
          file,
        };
      }),
    reload: () => inTurn(async () => enforce(await load())),
  };

  function pending(): readonly string[] {
    return supportedFields.map(({ path }) => path).filter((path) => differ(newest.config, current, path));
  }
}

const live = supportedFields.filter(({ restart }) => restart === 'none');

/**
 * Finds a setting by its path.
 * @throws AppError SETTING_UNKNOWN with the nearest one
 */
export function findSetting(path: string): Field {
  const field = fields.find((each) => each.path === path);
  if (field?.level === 'supported') return field;
  if (field !== undefined) {
    throw new AppError('SETTING_UNKNOWN', { message: `${path} has no effect here. ${field.help}`, hint: '' });
  }
  const near = nearest(
    path,
    supportedFields.map((each) => each.path),
  );
  throw new AppError('SETTING_UNKNOWN', {
    message: `There is no setting of that name${near === undefined ? '' : `; the nearest is ${near}`}.`,
    detail: { path },
  });
}

function judge({ path, value }: SettingEdit, { sources }: LoadedConfig): void {
  const field = findSetting(path);
  const { isLocked, where } = lockOf(sources.get(path));
  if (isLocked) {
    throw new AppError('SETTING_LOCKED', {
      message: `${path} is fixed by ${where}.`,
      detail: { path, where },
    });
  }
  if (hidesSecrets(field, value)) {
    throw new AppError('USAGE', {
      message: `*** in ${path} stands for a secret that is not shown.`,
      hint: 'Give the secret itself, or leave the setting out to keep it.',
    });
  }
}

/** A variable or an option wins over the file, so a change of the file would do nothing. */
export function lockOf(source: { readonly kind: string; readonly where: string } | undefined): {
  readonly isLocked: boolean;
  readonly where: string;
} {
  const { kind = 'default', where = '' } = source ?? {};
  return { isLocked: kind === 'env' || kind === 'flag', where };
}

/** What the file said of other settings must stay, whatever anchors and merge keys it is made of. */
function refuseSideEffects(edits: readonly SettingEdit[], before: LoadedConfig, after: LoadedConfig): void {
  // The old name is the same setting.
  const asked = new Set(edits.flatMap(({ path }) => (path === 'loglevel' ? [path, 'log.level'] : [path])));
  const other = supportedFields.find(
    ({ path }) =>
      !asked.has(path) &&
      before.sources.get(path)?.kind === 'file' &&
      differ(before.config, after.config, path),
  );
  if (other === undefined) return;
  throw new AppError('CONFIG_INVALID', {
    message: `The file cannot be edited safely: ${other.path} would change as well.`,
    hint: 'Edit the file by hand, then send SIGHUP to the registry or restart it.',
  });
}

function differ(one: Config, other: Config, path: string): boolean {
  return !isDeepStrictEqual(valueAt(one, path), valueAt(other, path));
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw cannotWrite(file, error);
  }
}

async function replace(file: string, text: string, isOwn: boolean): Promise<void> {
  try {
    await access(file, constants.W_OK).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await writePrivateFile(file, text, { keepMode: !isOwn });
  } catch (error) {
    throw cannotWrite(file, isAppError(error) ? error.cause : error);
  }
}

function cannotWrite(file: string, cause: unknown): AppError {
  return new AppError('SETTING_LOCKED', {
    message: `The configuration file ${file} cannot be written (${systemCode(cause) ?? 'unknown error'}).`,
    hint: 'Change the file where it is kept, then send SIGHUP to the registry or restart it.',
    detail: { file },
    cause,
  });
}
