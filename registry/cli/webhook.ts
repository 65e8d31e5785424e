/** berth webhook: the programs that are told what happens in a running registry. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { systemCode } from '../disk/private-file.ts';
import { parseDuration } from '../spec/duration.ts';
import { AppError } from '../spec/errors.ts';
import { type WebhookAction, webhookActions } from '../spec/webhook.ts';
import type { Io } from './io.ts';
import { type LookOptions, openFor, withLook } from './look.ts';
import { formatTable } from './table.ts';
import { done, readPassword, writeJson } from './user.ts';

interface AddOptions extends LookOptions {
  readonly secretStdin?: boolean;
  readonly headersStdin?: boolean;
  readonly ca?: string;
  readonly ignore?: readonly string[];
  readonly timeout?: string;
  readonly backoff?: string;
  readonly threshold?: string;
  readonly disable?: boolean;
}

/** Adds `berth webhook ls|add|rm|test|retry|purge` to the program. */
export function registerWebhook(program: Command, io: Io): void {
  const webhook = program
    .command('webhook')
    .description('programs that are told of pushes, pulls and deletes');

  withLook(webhook.command('ls'))
    .description('list the webhooks, what waits for them, and why')
    .action(async (options: LookOptions) => {
      using client = await openFor(io, options);
      const rows = await client.call('webhooks.list', {});
      if (options.json === true) return writeJson(io, rows);
      const table = rows.map((row) => [
        row.name,
        row.url,
        row.isLocked ? 'configuration' : 'added',
        row.state,
        String(row.pending),
        String(row.delivered),
        String(row.dropped),
        row.nextTryAt ?? '',
        row.error ?? '',
      ]);
      const head = ['NAME', 'URL', 'FROM', 'STATE', 'WAIT', 'DELIVERED', 'DROPPED', 'NEXT TRY', 'LAST ERROR'];
      io.out(formatTable(head, table, io));
    });

  withLook(webhook.command('add <name> <url>'))
    .description('add a webhook, or change one; what is not said stays as it is')
    .option('--secret-stdin', 'read the secret that signs the events from stdin')
    .option(
      '--headers-stdin',
      'read headers from stdin, one "Name: value" a line; they replace the former ones',
    )
    .option('--ca <file>', 'a file of certificates (PEM) that are accepted besides those of the system')
    .option('--ignore <actions...>', `actions that are not told: ${webhookActions.join(', ')}, or none`)
    .option('--timeout <duration>', 'how long an answer may take; 5s where nothing is said')
    .option('--backoff <duration>', 'how long is waited after a failure; 1s where nothing is said')
    .option(
      '--threshold <n>',
      'after so many failures in a row the wait doubles each time; 10 where nothing is said',
    )
    .option('--disable', 'keep what waits, and send nothing until the webhook is added again')
    .action(async (name: string, url: string, options: AddOptions) => {
      const { secretStdin, headersStdin, ca, ignore, timeout, backoff, threshold, disable = false } = options;
      if (secretStdin === true && headersStdin === true) {
        throw new AppError('USAGE', {
          message: 'Only one of --secret-stdin and --headers-stdin can read stdin.',
          hint: 'Run the command twice: what is not said stays as it is.',
        });
      }
      using client = await openFor(io, options);
      const row = await client.call('webhooks.set', {
        name,
        url,
        disabled: disable,
        ...(secretStdin === true ? { secret: await readPassword(io) } : {}),
        ...(headersStdin === true ? { headers: parseHeaders(await readPassword(io)) } : {}),
        ...(ca === undefined ? {} : { ca: await readCertificates(ca) }),
        ...(ignore === undefined ? {} : { ignoredActions: parseActions(ignore) }),
        ...(timeout === undefined ? {} : { timeoutMs: readDuration(timeout) }),
        ...(backoff === undefined ? {} : { backoffMs: readDuration(backoff) }),
        ...(threshold === undefined ? {} : { threshold: Number(threshold) }),
      });
      done(io, options, row, `${name} is told what happens. Try it with: berth webhook test ${name}`);
    });

  withLook(webhook.command('rm <name>'))
    .description('remove a webhook and what waits for it')
    .action(async (name: string, options: LookOptions) => {
      using client = await openFor(io, options);
      done(io, options, await client.call('webhooks.remove', { name }), `Removed the webhook ${name}.`);
    });

  withLook(webhook.command('test <name>'))
    .description('send an event that is marked as a test, at once')
    .action(async (name: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const result = await client.call('webhooks.test', { name });
      const { status, milliseconds, error } = result;
      if (options.json === true) writeJson(io, result);
      if (error !== undefined) throw new AppError('WEBHOOK_FAILED', { message: error });
      if (options.json !== true) io.out(`${name} took it: ${status ?? 0} in ${milliseconds} ms.\n`);
    });

  withLook(webhook.command('retry <name>'))
    .description('try again now instead of at the time planned')
    .action(async (name: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const row = await client.call('webhooks.retry', { name });
      done(io, options, row, `${row.pending} events wait for ${name}, and are tried now.`);
    });

  withLook(webhook.command('purge <name>'))
    .description('give up the events that wait for a webhook')
    .action(async (name: string, options: LookOptions) => {
      using client = await openFor(io, options);
      const result = await client.call('webhooks.purge', { name });
      done(io, options, result, `${result.dropped} events were given up.`);
    });
}

/** Throws USAGE that names the line, and not what it holds. */
function parseHeaders(text: string): Readonly<Record<string, string[]>> {
  const headers: Record<string, string[]> = {};
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new AppError('USAGE', { message: `Line ${at + 1} of stdin is not "Name: value".` });
    }
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

function parseActions(words: readonly string[]): WebhookAction[] {
  if (words.join() === 'none') return [];
  return words.map((word) => {
    const action = webhookActions.find((each) => each === word);
    if (action !== undefined) return action;
    throw new AppError('USAGE', {
      message: `There is no action "${word}".`,
      hint: `Actions: ${webhookActions.join(', ')}; or none.`,
    });
  });
}

async function readCertificates(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('USAGE', {
      message: `Cannot read "${file}": ${systemCode(error) ?? 'unknown error'}.`,
    });
  }
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new AppError('USAGE', { message: `"${text}" is not a duration.`, hint: 'Write 500ms, 5s or 2m.' });
}
