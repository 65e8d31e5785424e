/** berth user: the people and machines that may log in. Edits the files of the data directory. */
import { Option } from 'commander';
import type { Command } from 'commander';
import {
  accountFiles,
  addAccount,
  listAccounts,
  removeAccount,
  setDisabled,
  setPasswordHash,
  setRole,
} from '../auth/accounts.ts';
import type { AccountFiles } from '../auth/accounts.ts';
import { generatePassword, hashPassword } from '../auth/password.ts';
import { defaultDataDir } from '../disk/data-dir.ts';
import { type Role, roles } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import type { Io } from './io.ts';
import { formatTable } from './table.ts';

/** Options that every verb about users and tokens has. */
export interface FilesOptions {
  readonly data?: string | undefined;
  readonly htpasswd?: string;
  readonly json?: boolean;
}

interface PasswordOptions extends FilesOptions {
  readonly passwordStdin?: boolean;
}

/** Adds `berth user add|ls|passwd|role|disable|enable|rm` to the program. */
export function registerUser(program: Command, io: Io): void {
  const user = program.command('user').description('manage the users of the registry');

  withFiles(user.command('add <name>'))
    .description('add a user; prints a new password once unless one is read from stdin')
    .addOption(new Option('--role <role>', 'what the user may do').choices(roles).default('pull'))
    .option('--repositories <globs...>', 'where the role holds, such as team/**; everywhere if absent')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (name: string, options: PasswordOptions & { role: Role; repositories?: string[] }) => {
      const { password, isNew } = await choosePassword(io, options);
      const { role, repositories } = options;
      const hash = await hashPassword(password);
      await addAccount(filesOf(io, options), { name, hash, role, repositories });
      const shown = isNew ? { password } : {};
      if (options.json === true) {
        writeJson(io, { user: name, role, repositories: repositories ?? ['**'], ...shown });
      } else {
        io.out(`Added the user ${name} with the role ${role}.\n`);
        if (isNew) writePassword(io, password);
      }
    });

  withFiles(user.command('ls'))
    .description('list the users')
    .action(async (options: FilesOptions) => {
      const accounts = await listAccounts(filesOf(io, options));
      if (options.json === true) return writeJson(io, accounts);
      const rows = accounts.map((each) => [each.name, each.role, describeScope(each), each.state]);
      io.out(formatTable(['USER', 'ROLE', 'REPOSITORIES', 'STATE'], rows, io));
    });

  withFiles(user.command('passwd <user>'))
    .description('set another password; prints a new one once unless one is read from stdin')
    .option('--password-stdin', 'read the password from stdin')
    .action(async (name: string, options: PasswordOptions) => {
      const { password, isNew } = await choosePassword(io, options);
      await setPasswordHash(filesOf(io, options), name, await hashPassword(password));
      if (options.json === true) return writeJson(io, { user: name, ...(isNew ? { password } : {}) });
      io.out(`Set another password for ${name}.\n`);
      if (isNew) writePassword(io, password);
    });

  withFiles(user.command('role <user> <role>'))
    .description(`set the role of a user: ${roles.join(', ')}`)
    .option('--repositories <globs...>', 'where the role holds; unchanged if absent')
    .action(async (name: string, text: string, options: FilesOptions & { repositories?: string[] }) => {
      const role = roles.find((each) => each === text);
      if (role === undefined) {
        throw new AppError('USAGE', {
          message: `There is no role "${text}".`,
          hint: `Roles: ${roles.join(', ')}.`,
        });
      }
      await setRole(filesOf(io, options), name, { role, repositories: options.repositories });
      done(io, options, { user: name, role }, `${name} has the role ${role}.`);
    });

  withFiles(user.command('disable <user>'))
    .description('refuse the logins and tokens of a user')
    .action(async (name: string, options: FilesOptions) => {
      await setDisabled(filesOf(io, options), name, true);
      done(io, options, { user: name, disabled: true }, `${name} cannot log in.`);
    });

  withFiles(user.command('enable <user>'))
    .description('admit the logins and tokens of a user again')
    .action(async (name: string, options: FilesOptions) => {
      await setDisabled(filesOf(io, options), name, false);
      done(io, options, { user: name, disabled: false }, `${name} can log in.`);
    });

  withFiles(user.command('rm <user>'))
    .description('remove a user and the tokens of the user')
    .action(async (name: string, options: FilesOptions) => {
      await removeAccount(filesOf(io, options), name);
      done(io, options, { user: name, removed: true }, `Removed the user ${name}.`);
    });
}

/** Adds the options that say which files, and how to answer. */
export function withFiles(command: Command): Command {
  return command
    .option('--data <dir>', 'the data directory')
    .option('--htpasswd <file>', 'the user file, where auth.htpasswd.path names another than berth/users')
    .option('--json', 'answer in JSON');
}

/** The files that the options mean. */
export function filesOf(io: Io, options: FilesOptions): AccountFiles {
  return accountFiles(options.data ?? defaultDataDir(io.env), options.htpasswd);
}

/** Writes one JSON document, in which no control character stands raw: JSON itself escapes the first 32 alone. */
export function writeJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, undefined, 2).replaceAll(/[\u007f-\u009f]/g, unicodeEscape)}\n`);
}

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Says that a change was made. */
export function done(io: Io, options: FilesOptions, value: unknown, sentence: string): void {
  if (options.json === true) writeJson(io, value);
  else io.out(`${sentence}\n`);
}

function writePassword(io: Io, password: string): void {
  io.out(`Password (not shown again): ${password}\n`);
}

function describeScope({
  role,
  repositories,
  grants,
}: Awaited<ReturnType<typeof listAccounts>>[number]): string {
  const extra = grants.map((grant) => `${grant.verbs.join('+')}: ${grant.repositories.join(' ')}`);
  return [role === 'admin' ? '**' : repositories.join(' '), ...extra].join(', ');
}

async function choosePassword(
  io: Io,
  options: PasswordOptions,
): Promise<{ readonly password: string; readonly isNew: boolean }> {
  return options.passwordStdin === true
    ? { password: await readPassword(io), isNew: false }
    : { password: generatePassword(), isNew: true };
}

/** All of stdin without one line end, as `docker login --password-stdin` reads it. */
export async function readPassword(io: Io): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk as Buffer);
    chunks.push(bytes);
    size += bytes.length;
    if (size > 4096)
      throw new AppError('PASSWORD_INVALID', { message: 'More than 4096 bytes came from stdin.' });
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch {
    throw new AppError('PASSWORD_INVALID', { message: 'The password from stdin is not UTF-8 text.' });
  }
}
