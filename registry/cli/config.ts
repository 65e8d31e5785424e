/** berth config: what the registry would be started with, and changes of it. */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { configJsonSchema, printConfig, writtenValue } from '../config/describe.ts';
import { exportEnvironment, exportFile } from '../config/export.ts';
import { valueAt } from '../config/fields.ts';
import { formatValue, ownConfigFile, parseValue } from '../config/save.ts';
import { createSettings, findSetting, lockOf } from '../config/settings.ts';
import type { SettingsChange } from '../spec/admin/settings.ts';
import { AppError } from '../spec/errors.ts';
import { findRunning } from './client.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';
import { done, writeJson } from './user.ts';

interface ChangeOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `berth config print|check|schema|get|set|reset|path|export` to the program. */
export function registerConfig(program: Command, io: Io): void {
  const config = program.command('config').description('look at the configuration, and change it');

  withConfig(config.command('print'))
    .description('print every setting with its value and where it comes from')
    .action(async (options: ConfigOptions) => {
      const { loaded } = await loadFor(io, options);
      io.out(printConfig(loaded));
    });

  withConfig(config.command('check'))
    .description('check file and environment without starting')
    .action(async (options: ConfigOptions) => {
      const { loaded } = await loadFor(io, options);
      for (const { where, message } of loaded.notices) io.out(`${where}: ${message}\n`);
      io.out(
        `The configuration is valid${loaded.file === undefined ? '; there is no file' : `: ${loaded.file}`}.\n`,
      );
    });

  config
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(() => io.out(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));

  withConfig(config.command('get <key>'))
    .description('print the value of a setting; a secret as ***')
    .option('--json', 'answer in JSON')
    .action(async (key: string, options: ChangeOptions) => {
      const field = findSetting(key);
      const { loaded } = await loadFor(io, options);
      const value = valueAt(loaded.config, key);
      const shown = value === undefined ? undefined : writtenValue(field, value);
      const source = loaded.sources.get(key);
      if (options.json === true) {
        const { isLocked, where } = lockOf(source);
        return writeJson(io, { path: key, value: shown, source: source?.kind, where, isLocked });
      }
      io.out(`${shown === undefined ? '' : formatValue(shown)}\n`);
    });

  withConfig(config.command('set <key> [value]'))
    .description('set a setting in the file; a registry that runs follows at once where it can')
    .option('--stdin', 'read the value from stdin; secrets have to be given that way')
    .option('--json', 'answer in JSON')
    .action(
      async (
        key: string,
        given: string | undefined,
        options: ChangeOptions & { readonly stdin?: boolean },
      ) => {
        const value = parseValue(await readValue(io, key, given, options.stdin === true));
        report(io, options, await change(io, options, [key], value));
      },
    );

  withConfig(config.command('reset <keys...>'))
    .description('take settings out of the file, so that their defaults hold')
    .option('--json', 'answer in JSON')
    .action(async (keys: readonly string[], options: ChangeOptions) => {
      report(io, options, await change(io, options, keys, undefined));
    });

  withConfig(config.command('path'))
    .description('print where the configuration file is, or would be')
    .action(async (options: ConfigOptions) => {
      const { loaded, root } = await loadFor(io, options);
      io.out(`${loaded.file ?? ownConfigFile(root)}\n`);
    });

  withConfig(config.command('export'))
    .description('print what is not as by default, as a file for another machine; without secrets')
    .option('--env', 'as variables of the environment, one a line')
    .action(async (options: ConfigOptions & { readonly env?: boolean }) => {
      const { loaded } = await loadFor(io, options);
      io.out(options.env === true ? exportEnvironment(loaded) : exportFile(loaded));
    });
}

/** Adds the options that say which configuration is meant. */
export function withConfig(command: Command): Command {
  return command
    .option('--data <dir>', 'the data directory')
    .option('-c, --config <file>', 'the configuration file');
}

/** Argument lists are seen by every user of the computer. */
async function readValue(
  io: Io,
  key: string,
  given: string | undefined,
  isFromStdin: boolean,
): Promise<string> {
  const { secret } = findSetting(key);
  if (isFromStdin && given === undefined) return (await text(io.stdin)).replace(/\r?\n$/, '');
  if (given !== undefined && !isFromStdin && !secret) return given;
  throw new AppError('USAGE', {
    message: secret ? `${key} is secret: it is read from stdin alone.` : 'Give one value.',
    hint: `berth config set ${key} ${secret ? '--stdin' : 'VALUE'}`,
  });
}

/** Without a value the settings go back to their defaults. A registry that runs makes the change itself. */
async function change(
  io: Io,
  options: ConfigOptions,
  keys: readonly string[],
  value: unknown,
): Promise<SettingsChange> {
  for (const key of keys) findSetting(key);
  const { loaded, root } = await loadFor(io, options);
  using running = await findRunning(root);
  if (running === undefined) {
    const load = async (held?: string) => (await loadFor(io, options, {}, held)).loaded;
    const edits = keys.map((path) => ({ path, value }));
    const { inForce, pending, file } = await createSettings({ loaded, load, root }).change(edits);
    return {
      inForce: [],
      pending: [...inForce.map((path) => ({ path, restart: 'process' as const })), ...pending],
      file,
    };
  }
  return value === undefined
    ? await running.call('settings.reset', { paths: [...keys] })
    : await running.call('settings.set', { changes: keys.map((path) => ({ path, value: value as string })) });
}

function report(io: Io, options: ChangeOptions, result: SettingsChange): void {
  const sentences = [
    ...result.inForce.map((path) => `${path} is in force.`),
    ...result.pending.map(({ path }) => `${path} takes effect at the next start.`),
  ];
  done(io, options, result, `${sentences.join('\n')}\nWritten to ${result.file}`);
}
