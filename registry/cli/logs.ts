/** berth logs and log-level: what a running registry logs, and how much. */
import { Argument, Option } from 'commander';
import type { Command } from 'commander';
import { formatRecord } from '../spec/log-line.ts';
import { parseDuration } from '../spec/duration.ts';
import { AppError } from '../spec/errors.ts';
import { type Level, levels, type Subsystem, subsystems } from '../spec/log-record.ts';
import type { Io } from './io.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { writeJson } from './user.ts';

interface LogsOptions extends LookOptions {
  readonly follow?: boolean;
  readonly level: Level;
  readonly sys?: Subsystem;
  readonly grep?: string;
  readonly since?: string;
  readonly request?: string;
}

/** Adds `berth logs|log-level` to the program. */
export function registerLogs(program: Command, io: Io): void {
  withLook(program.command('logs'))
    .description('print the service log')
    .option('-f, --follow', 'the last lines, then those that come, until Ctrl-C')
    .addOption(
      new Option('--level <level>', 'this level and the more serious ones').choices(levels).default('info'),
    )
    .addOption(new Option('--sys <subsystem>', 'only this part of the registry').choices(subsystems))
    .option('--grep <text>', 'only lines that hold this text, or match /this pattern/')
    .option('--since <when>', 'only what is younger: 10m, 2h, or a time such as 2026-07-01T10:00:00Z')
    .option('--request <id>', 'only the lines of one request')
    .action(async (options: LogsOptions) => {
      using client = await openFor(io, options);
      const { level, sys, grep, request: requestId } = options;
      const filter = { level, sys, grep, requestId, since: parseSince(options.since) };
      const format = options.json === true ? 'json' : 'text';
      if (options.follow !== true) {
        let after: string | undefined;
        do {
          const page = await client.call('logs.export', { ...filter, format, after });
          io.out(page.lines.join(''));
          after = page.next;
        } while (after !== undefined);
        return;
      }
      for await (const items of client.subscribe('logs', filter)) {
        for (const item of items) {
          io.out(
            'dropped' in item
              ? `... ${item.dropped} lines were left out: they came faster than they were read\n`
              : formatRecord(item, format),
          );
        }
      }
    });

  withLook(program.command('log-level'))
    .description('show the levels of the service log, or set one while the registry runs')
    .addArgument(new Argument('[subsystem]', 'the part that is meant').choices([...subsystems, 'all']))
    .addArgument(new Argument('[level]', 'how much it says').choices(levels))
    .option('--for <duration>', 'fall back after so long, such as 15m')
    .action(
      async (
        sys: Subsystem | 'all' | undefined,
        level: Level | undefined,
        options: LookOptions & { readonly for?: string },
      ) => {
        using client = await openFor(io, options);
        const set =
          sys === undefined || level === undefined
            ? await client.call('logs.levels', {})
            : await client.call('logs.setLevel', { sys, level, forMs: parseFor(options.for) });
        const reverts = await client.call('logs.reverts', {});
        if (options.json === true) {
          return writeJson(io, Object.keys(reverts).length === 0 ? set : { ...set, reverts });
        }
        for (const [name, each] of Object.entries(set)) {
          const revert = reverts[name];
          const back = revert === undefined ? '' : `  until ${revert.at}, then ${revert.level}`;
          io.out(`${name.padEnd(8)}${each}${back}\n`);
        }
      },
    );
}

/**
 * A time ago, or a time, as RFC 3339.
 * @throws AppError USAGE
 */
export function parseSince(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  const at = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new AppError('USAGE', {
    message: `"${text}" is neither a duration nor a time.`,
    hint: 'Write 10m, 2h, or 2026-07-01T10:00:00Z.',
  });
}

function parseFor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000) return ms;
  throw new AppError('USAGE', {
    message: `"${text}" is not a duration of a second or more.`,
    hint: 'Write 15m.',
  });
}
