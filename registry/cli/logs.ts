/** berth logs, log-level and activity: what a running registry says, live. */
import { Argument, Option } from 'commander';
import type { Command } from 'commander';
import { formatRecord } from '../log/format.ts';
import type { FeedItem } from '../spec/admin-api.ts';
import { type Level, levels, type Subsystem, subsystems } from '../spec/log-record.ts';
import type { Io } from './io.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { writeJson } from './user.ts';

interface LogsOptions extends LookOptions {
  readonly level: Level;
  readonly grep?: string;
}

/** Adds `berth logs|log-level|activity` to the program. */
export function registerLogs(program: Command, io: Io): void {
  withLook(program.command('logs'))
    .description('print the last lines of the service log, then those that come, until Ctrl-C')
    .addOption(
      new Option('--level <level>', 'this level and the more serious ones').choices(levels).default('info'),
    )
    .option('--grep <text>', 'only lines that hold this text')
    .action(async (options: LogsOptions) => {
      using client = await openFor(io, options);
      for await (const items of client.subscribe('logs', { level: options.level })) {
        for (const item of items) {
          const line =
            'dropped' in item
              ? `... ${item.dropped} lines were left out: they came faster than they were read\n`
              : formatRecord(item, options.json === true ? 'json' : 'text');
          if (options.grep === undefined || line.includes(options.grep)) io.out(line);
        }
      }
    });

  withLook(program.command('log-level'))
    .description('show the levels of the service log, or set one while the registry runs')
    .addArgument(new Argument('[subsystem]', 'the part that is meant').choices([...subsystems, 'all']))
    .addArgument(new Argument('[level]', 'how much it says').choices(levels))
    .action(async (sys: Subsystem | 'all' | undefined, level: Level | undefined, options: LookOptions) => {
      using client = await openFor(io, options);
      const set =
        sys === undefined || level === undefined
          ? await client.call('logs.levels', {})
          : await client.call('logs.setLevel', { sys, level });
      if (options.json === true) return writeJson(io, set);
      for (const [name, each] of Object.entries(set)) io.out(`${name.padEnd(8)}${each}\n`);
    });

  withLook(program.command('activity'))
    .description('print what happens in the registry, as it happens, until Ctrl-C')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      for await (const items of client.subscribe('feed', {})) {
        for (const item of items)
          io.out(options.json === true ? `${JSON.stringify(item)}\n` : describeItem(item));
      }
    });
}

function describeItem({ at, kind, repository, tag, digest, user, bytes, webhook, disk }: FeedItem): string {
  const what = [repository, tag === undefined ? undefined : `:${tag}`]
    .filter((part) => part !== undefined)
    .join('');
  const parts = [
    at,
    kind,
    what,
    digest === undefined ? '' : digest.slice(0, 19),
    webhook ?? disk?.state ?? '',
    bytes === undefined ? '' : `${bytes} bytes`,
    user === undefined ? '' : `by ${user}`,
  ];
  return `${parts.filter((part) => part !== '').join('  ')}\n`;
}
