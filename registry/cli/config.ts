/** berth config: what the registry would be started with. Reads only. */
import type { Command } from 'commander';
import { configJsonSchema, printConfig } from '../config/describe.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';

/** Adds `berth config print|check|schema` to the program. */
export function registerConfig(program: Command, io: Io): void {
  const config = program.command('config').description('look at the configuration');

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
}

/** Adds the options that say which configuration is meant. */
export function withConfig(command: Command): Command {
  return command
    .option('--data <dir>', 'the data directory')
    .option('-c, --config <file>', 'the configuration file');
}
