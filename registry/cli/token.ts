/** berth token: personal access tokens, used as the password of their owner. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { AccessToken } from '../auth/access.ts';
import { createToken, listTokens, revokeToken } from '../auth/accounts.ts';
import { isExpired } from '../auth/tokens.ts';
import { type Verb, verbs } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import type { Io } from './io.ts';
import { formatTable } from './table.ts';
import { done, filesOf, withFiles, writeJson } from './user.ts';
import type { FilesOptions } from './user.ts';

interface CreateOptions extends FilesOptions {
  readonly user: string;
  readonly label: string;
  readonly scope: Verb[];
  readonly repositories?: string[];
  readonly expires: string;
}

/** Adds `berth token create|ls|revoke` to the program. */
export function registerToken(program: Command, io: Io): void {
  const token = program.command('token').description('manage personal access tokens');

  withFiles(token.command('create'))
    .description('make a token; it is shown once and used as the password of its owner')
    .requiredOption('--user <name>', 'the owner; the token never may do more than the owner')
    .option('--label <text>', 'what the token is for', '')
    .addOption(new Option('--scope <verbs...>', 'what the token may do').choices(verbs).default(['pull']))
    .option('--repositories <globs...>', 'where, such as team/**; everywhere if absent')
    .option('--expires <time>', 'days or hours such as 30d or 12h, or never', '30d')
    .action(async (options: CreateOptions) => {
      const { token: made, text } = await createToken(filesOf(io, options), {
        owner: options.user,
        label: options.label,
        verbs: options.scope,
        repositories: options.repositories,
        expiresAt: expiryOf(options.expires, Date.now()),
      });
      if (options.json === true) return writeJson(io, { ...describe(made), token: text });
      io.out(`Made the token ${made.id} of ${made.owner}, ${expiryText(made)}.\n`);
      io.out(`Token (not shown again): ${text}\n`);
    });

  withFiles(token.command('ls'))
    .description('list the tokens')
    .action(async (options: FilesOptions) => {
      const tokens = await listTokens(filesOf(io, options));
      if (options.json === true) return writeJson(io, tokens.map(describe));
      const rows = tokens.map((each) => [
        each.id,
        each.owner,
        each.verbs.join('+'),
        each.repositories.join(' '),
        each.expiresAt ?? 'never',
        isExpired(each, Date.now()) ? 'expired' : 'valid',
        each.label,
      ]);
      io.out(formatTable(['ID', 'USER', 'SCOPE', 'REPOSITORIES', 'EXPIRES', 'STATE', 'LABEL'], rows, io));
    });

  withFiles(token.command('revoke <id>'))
    .description('end a token')
    .action(async (id: string, options: FilesOptions) => {
      await revokeToken(filesOf(io, options), id);
      done(io, options, { id, revoked: true }, `Revoked the token ${id}.`);
    });
}

/** Everything but the hash. */
function describe(token: AccessToken): Omit<AccessToken, 'hash'> {
  const { id, label, owner, verbs: scope, repositories, createdAt, expiresAt } = token;
  return { id, label, owner, verbs: scope, repositories, createdAt, ...(expiresAt && { expiresAt }) };
}

function expiryText(token: AccessToken): string {
  return token.expiresAt === undefined ? 'without an end' : `valid until ${token.expiresAt}`;
}

function expiryOf(text: string, now: number): string | undefined {
  if (text === 'never') return undefined;
  const [, count, unit] = /^([1-9]\d{0,3})([dh])$/.exec(text) ?? [];
  if (count === undefined) {
    throw new AppError('USAGE', {
      message: `"${text}" is not a time until the token expires.`,
      hint: 'Use days or hours such as 30d or 12h, or never.',
    });
  }
  return new Date(now + Number(count) * (unit === 'd' ? 86_400_000 : 3_600_000)).toISOString();
}
