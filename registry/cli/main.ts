#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
/**
 * The command line. A small young generation costs no speed here and saves 25 MiB: the bytes of blobs pass through it.
 * Exit status: 0 done, 1 failed, 2 usage or configuration, 3 not running, 4 needs consent, 5 not found.
 */
import { Command, CommanderError } from 'commander';
import { type AppError, type ErrorCode, isAppError } from '../spec/errors.ts';
import { version } from '../version.ts';
import { registerActivity } from './activity.ts';
import { registerCert } from './cert.ts';
import { registerChanges } from './changes.ts';
import { complete, registerCompletion } from './completion.ts';
import { registerConfig } from './config.ts';
import { registerContent } from './content.ts';
import { registerDoctor } from './doctor.ts';
import { printable } from './format.ts';
import { registerInspect } from './inspect.ts';
import type { Io } from './io.ts';
import { registerLife } from './life.ts';
import { registerLogin } from './login.ts';
import { registerLogs } from './logs.ts';
import { registerLook } from './look.ts';
import { registerOpen } from './open.ts';
import { registerRules } from './rules.ts';
import { registerServe } from './serve.ts';
import { registerToken } from './token.ts';
import { registerTransfer } from './transfer.ts';
import { registerTrust } from './trust.ts';
import { registerUninstall } from './uninstall.ts';
import { registerUser } from './user.ts';
import { registerVerify } from './verify.ts';
import { registerUsers } from './users.ts';
import { registerWebhook } from './webhook.ts';

/** Makes the whole program, for running it and for its reference page. */
export function createProgram(io: Io): Command {
  const program = new Command('berth')
    .description('A private container registry, one click away.')
    .version(version)
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(berth --help shows the commands)')
    .exitOverride();
  registerServe(program, io);
  registerLife(program, io);
  registerOpen(program, io);
  registerUser(program, io);
  registerUsers(program, io);
  registerToken(program, io);
  registerCert(program, io);
  registerConfig(program, io);
  registerLook(program, io);
  registerInspect(program, io);
  registerContent(program, io);
  registerVerify(program, io);
  registerTransfer(program, io);
  registerRules(program, io);
  registerLogs(program, io);
  registerWebhook(program, io);
  registerActivity(program, io);
  registerDoctor(program, io);
  registerTrust(program, io);
  registerLogin(program, io);
  registerChanges(program, io);
  registerUninstall(program, io);
  registerCompletion(program, io);
  // Options of sub-commands end the process unless they, too, throw.
  for (const command of descendants(program)) {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  }
  return program;
}

function descendants(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...descendants(child)]);
}

/** Runs one command and answers the exit status. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const [first, ...words] = argv;
    if (first === '__complete') {
      for (const candidate of await complete(createProgram(io), io, words)) io.out(`${candidate}\n`);
      return 0;
    }
    await createProgram(io).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!isAppError(error)) throw error;
    // A message may name what a stranger has named.
    io.err(`${printable(describe(error), { multiline: true })}\n`);
    return exitStatuses[error.code] ?? 1;
  }
}

const exitStatuses: Partial<Record<ErrorCode, number>> = {
  USAGE: 2,
  QUERY_INVALID: 2,
  CONFIG_INVALID: 2,
  USERS_INVALID: 2,
  CERTIFICATE_INVALID: 2,
  RULES_INVALID: 2,
  DATA_UNUSABLE: 2,
  UI_OFF: 2,
  NOT_RUNNING: 3,
  CONSENT_NEEDED: 4,
  PLAN_STALE: 4,
  COUNT_NEEDED: 4,
  ENGINE_UNKNOWN: 5,
  CHANGE_UNKNOWN: 5,
  NAME_UNKNOWN: 5,
  MANIFEST_UNKNOWN: 5,
  BLOB_UNKNOWN: 5,
  FILE_UNKNOWN: 5,
  TRASH_UNKNOWN: 5,
  DAMAGE_UNKNOWN: 5,
  TASK_UNKNOWN: 5,
  SETTING_UNKNOWN: 5,
  WEBHOOK_UNKNOWN: 5,
  SESSION_UNKNOWN: 5,
  CARD_UNKNOWN: 5,
  USER_UNKNOWN: 5,
  TOKEN_UNKNOWN: 5,
  RULE_UNKNOWN: 5,
};

function describe({ code, message, hint }: AppError): string {
  return hint === '' ? `${code}: ${message}` : `${code}: ${message}\n${hint}`;
}

/** Runs the command line of this process, and sets its exit status. */
export async function main(): Promise<void> {
  // Who reads our output may have seen enough: berth logs | head. Nothing is lost for anybody then.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  process.exitCode = await run(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    isTTY: process.stdout.isTTY,
    // A terminal that does not say its width says 0.
    columns: process.stdout.columns > 0 ? process.stdout.columns : undefined,
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    env: process.env,
  });
}

if (import.meta.main) await main();
