/** berth up, down, restart and version: the registry in the background. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { makePrivateDirectory } from '../disk/private-file.ts';
import { readHolder } from '../index.ts';
import type { StatusRow } from '../spec/admin/process.ts';
import { AppError, type ErrorCode, errors, isAppError } from '../spec/errors.ts';
import { version } from '../version.ts';
import { type AdminClient, openClient } from './client.ts';
import { greeting, type Started } from './greeting.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';
import { type LookOptions, withLook } from './look.ts';
import { ownCommand } from './own-command.ts';
import { handOver } from './run-registry.ts';
import { done, writeJson } from './user.ts';

/** Adds `berth up|down|restart|version` to the program. */
export function registerLife(program: Command, io: Io): void {
  withLook(program.command('up'))
    .description('start the registry in the background, unless it runs')
    .action((options: LookOptions) => up(io, options));

  withLook(program.command('down'))
    .description('stop the registry, whatever started it; transfers get time to finish')
    .action(async (options: LookOptions) => {
      const { root } = await loadFor(io, options);
      const status = await stop(root);
      const sentence =
        status === undefined
          ? 'No registry was running.'
          : `Stopped the registry at ${status.urls.join(', ')}.`;
      done(io, options, { stopped: status !== undefined, pid: status?.pid }, sentence);
    });

  withLook(program.command('restart'))
    .description('stop the registry of the background and start it again')
    .action(async (options: LookOptions) => {
      const { root } = await loadFor(io, options);
      const status = await findStatus(root);
      if (status !== undefined && status.runs !== 'background') {
        throw new AppError('USAGE', {
          message: `The registry is the process ${status.pid}, which berth up did not start.`,
          hint: 'Restart it where it was started: in its terminal, with systemctl, or in the menu of the tray.',
        });
      }
      await stop(root);
      await up(io, options);
    });

  program
    .command('version')
    .description('print the version')
    .option('--json', 'answer in JSON')
    .action(({ json }: { readonly json?: boolean }) => {
      if (json === true) writeJson(io, { version, node: process.version });
      else io.out(`berth ${version}, Node ${process.version}\n`);
    });
}

async function up(io: Io, options: LookOptions): Promise<void> {
  const { root } = await loadFor(io, options);
  const running = await findStatus(root);
  if (running !== undefined) {
    const { urls, ui, pid } = running;
    const window = ui === undefined ? '' : `, its window at ${ui}`;
    return done(
      io,
      options,
      { urls, ui, pid, started: false },
      `The registry runs already, at ${urls.join(', ')}${window}.`,
    );
  }
  const { pid, started } = await start(io, root, options);
  const { password: secret, ...rest } = started;
  const password = secret === undefined ? undefined : await handOver(secret, root, io.isTTY);
  const shown = { ...rest, ...(password === undefined ? {} : { password }) };
  done(io, options, { ...shown, pid, started: true }, greeting(shown));
}

/** Resolves once it listens. Throws what `berth serve` ended with. */
async function start(
  io: Io,
  root: string,
  { data, config }: ConfigOptions,
): Promise<{ readonly pid: number | undefined; readonly started: Started }> {
  await makePrivateDirectory(join(root, 'berth', 'logs'));
  const path = join(root, 'berth', 'logs', 'background.log');
  await using output = await open(path, 'w', 0o600);
  const where = [
    ...(data === undefined ? [] : ['--data', resolve(data)]),
    ...(config === undefined ? [] : ['--config', resolve(config)]),
  ];
  const [program = '', ...first] = ownCommand();
  const child = spawn(program, [...first, 'serve', '--background', ...where], {
    detached: true,
    env: io.env,
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
    windowsHide: true,
  });
  const ended = new AbortController();
  const { signal } = ended;
  const message = once(child, 'message', { signal }).then(([started]) => started as Started);
  const exit = once(child, 'exit', { signal }).then(async ([code]) => {
    throw await whyEnded(path, code);
  });
  try {
    const started = await Promise.race([message, exit]);
    child.unref();
    return { pid: child.pid, started };
  } finally {
    ended.abort();
    await Promise.allSettled([message, exit]);
  }
}

/** The error that the process printed last, as it printed it: `CODE: message` and a hint. */
async function whyEnded(path: string, code: unknown): Promise<AppError> {
  const text = (await readFile(path, 'utf8')).trim();
  const found = /^([A-Z_]+): ([^\n]+)(?:\n(.*))?$/m.exec(text);
  const [, name = '', message = '', hint = ''] = found ?? [];
  if (Object.hasOwn(errors, name)) return new AppError(name as ErrorCode, { message, hint });
  return new AppError('START_FAILED', {
    message: `berth serve ended at once, with ${String(code)}.`,
    hint: `What it said is in ${path}.`,
  });
}

/** Asks the registry to stop and waits until it has; answers what it was, `undefined` when none ran. */
async function stop(root: string): Promise<StatusRow | undefined> {
  const status = await ask(root, async (client) => {
    const running = await client.call('status.get', {});
    // The connection may be closed before the answer is there.
    await client.call('process.stop', {}).catch(ignoreGone);
    return running;
  });
  // It goes on with what it has begun, for as long as http.draintimeout says.
  if (status !== undefined) await untilGone(root, status.pid);
  return status;
}

async function untilGone(root: string, pid: number): Promise<void> {
  while ((await readHolder(root))?.pid === pid && isAlive(pid)) await delay(20);
}

async function findStatus(root: string): Promise<StatusRow | undefined> {
  return await ask(root, (client) => client.call('status.get', {}));
}

/** Answers `undefined` where no registry runs. */
async function ask<Answer>(
  root: string,
  question: (client: AdminClient) => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    using client = await openClient(root);
    return await question(client);
  } catch (error) {
    return ignoreGone(error);
  }
}

function ignoreGone(error: unknown): undefined {
  if (!isAppError(error, 'NOT_RUNNING')) throw error;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
