/** berth users: all of them, from and to an htpasswd file. Edits the files of the data directory, as berth user does. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Option } from 'commander';
import type { Command } from 'commander';
import { exportAccounts, importAccounts } from '../auth/accounts.ts';
import { systemCode } from '../disk/private-file.ts';
import { type ImportedUsers, type Role, roles } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import type { Io } from './io.ts';
import { done, filesOf, type FilesOptions, withFiles, writeJson } from './user.ts';

interface ImportOptions extends FilesOptions {
  readonly role: Role;
  readonly repositories?: readonly string[];
  readonly dryRun?: boolean;
}

/** Adds `berth users import|export` to the program. */
export function registerUsers(program: Command, io: Io): void {
  const users = program.command('users').description('take all users from an htpasswd file, or give them');

  withFiles(users.command('import <file>'))
    .description('take the users with bcrypt hashes from an htpasswd file; - reads stdin')
    .addOption(new Option('--role <role>', 'what new users may do').choices(roles).default('pull'))
    .option('--repositories <globs...>', 'where the role holds, such as team/**; everywhere if absent')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(async (file: string, options: ImportOptions) => {
      const { role, repositories, dryRun: isDryRun = false } = options;
      const given = file === '-' ? await text(io.stdin) : await readUsers(file);
      const result = await importAccounts(filesOf(io, options), given, { role, repositories, isDryRun });
      done(io, options, result, describe(result, isDryRun));
    });

  withFiles(users.command('export'))
    .description('print the users as an htpasswd file, with the hashes of their passwords')
    .action(async (options: FilesOptions) => {
      const exported = await exportAccounts(filesOf(io, options));
      if (options.json === true) writeJson(io, { text: exported });
      else io.out(exported);
    });
}

async function readUsers(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('USAGE', {
      message: `Cannot read "${file}": ${systemCode(error) ?? 'unknown error'}.`,
      hint: 'Name an htpasswd file, or - for stdin.',
      cause: error,
    });
  }
}

function describe({ added, changed, unchanged, skipped }: ImportedUsers, isDryRun: boolean): string {
  return [
    ...added.map((name) => `added    ${name}`),
    ...changed.map((name) => `changed  ${name}`),
    ...skipped.map(({ line, reason }) => `skipped  line ${line} ${reason}`),
    `${added.length} added, ${changed.length} with another password, ${unchanged.length} as before, ${skipped.length} skipped.`,
    ...(isDryRun ? ['Nothing was changed: this was a dry run.'] : []),
  ].join('\n');
}
