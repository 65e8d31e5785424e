/** berth serve: the registry in the foreground, until SIGINT or SIGTERM. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { createFirstUser, removeFirstUser } from '../auth/accounts.ts';
import { withValues } from '../config/fields.ts';
import type { LoadedConfig } from '../config/load.ts';
import { writePrivateFile } from '../disk/private-file.ts';
import { createRegistry } from '../index.ts';
import { openLogFile } from '../log/file.ts';
import type { Config } from '../spec/config.ts';
import { type Level, levels } from '../spec/log-record.ts';
import { createComputerMethods } from './computer.ts';
import { withConfig } from './config.ts';
import { greeting, type Started } from './greeting.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';
import { uiDirectory } from './ui-directory.ts';

interface ServeOptions extends ConfigOptions {
  readonly listen?: string;
  readonly auth?: 'htpasswd' | 'none';
  readonly logLevel?: Level;
  readonly firstRun?: boolean;
  readonly background?: boolean;
}

/** Adds `berth serve` to the program. */
export function registerServe(program: Command, io: Io): void {
  withConfig(program.command('serve'))
    .description('run the registry in the foreground')
    .option('--listen <host:port>', 'where to listen; the first free port from localhost:5443 if absent')
    .addOption(new Option('--auth <kind>', 'who may come in').choices(['htpasswd', 'none']))
    .addOption(new Option('--log-level <level>', 'how much the service log says').choices(levels))
    .option(
      '--first-run',
      'print the password of the first user, also where the output is no terminal; switch the window for browsers on, unless berth.web.enabled or auth: none is set',
    )
    // For berth up, which waits for the message.
    .addOption(new Option('--background').hideHelp())
    .action((options: ServeOptions) => serve(io, options));
}

async function serve(io: Io, options: ServeOptions): Promise<void> {
  const flags = {
    'http.addr': options.listen,
    'log.level': options.logLevel,
    'auth.none': options.auth === undefined ? undefined : options.auth === 'none',
  };
  const { root } = await loadFor(io, options, flags);
  const load = async (text?: string): Promise<LoadedConfig> => {
    const { loaded } = await loadFor(io, options, flags, text);
    return options.firstRun === true ? withWindow(loaded) : loaded;
  };
  const loaded = await load();
  const stopped = Promise.withResolvers<string>();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopped.resolve(`${name} received`));
  const isBackground = options.background === true;
  // There the service log has its file, and nobody reads the output.
  await using accessLog = isBackground
    ? await openLogFile({ path: join(root, 'berth', 'logs', 'access.log') })
    : undefined;
  const first = ownsUsers(loaded.config.auth) ? await createFirstUser({ root }) : undefined;
  await using registry = await createRegistry({
    loaded,
    load,
    root,
    out: (line) => (accessLog === undefined ? io.out(line) : accessLog.write(line)),
    err: isBackground ? ignore : io.err,
    runs: isBackground ? 'background' : 'foreground',
    computer: createComputerMethods(io, options),
    onStop: () => stopped.resolve('asked to stop'),
    ui: uiDirectory,
  }).catch(async (error: unknown) => {
    if (first !== undefined) await removeFirstUser({ root });
    throw error;
  });
  const { urls, ui, log } = registry;
  if (isBackground && process.connected) await tellParent({ urls, ui, root, ...first });
  else {
    const mayPrint = io.isTTY || options.firstRun === true;
    const password = first === undefined ? undefined : await handOver(first.password, root, mayPrint);
    io.out(greeting({ urls, ui, root, user: first?.user, password }));
  }
  if (loaded.config.auth.none)
    log.warn('loginOff', 'auth: none: everybody who reaches this port may do everything');

  using _ = onSignal('SIGHUP', () => void registry.reload());
  log.info('stopping', `${await stopped.promise}: finishing what runs`);
}

function ignore(): void {}

/** The window is on where nobody says that it is not, and where it would not be open to everybody. */
function withWindow(loaded: LoadedConfig): LoadedConfig {
  const { config, sources } = loaded;
  const path = 'berth.web.enabled';
  if (config.auth.none || sources.get(path)?.kind !== 'default') return loaded;
  return {
    ...loaded,
    config: withValues(config, new Map([[path, true]])),
    sources: new Map(sources).set(path, { kind: 'default', where: '--first-run' }),
  };
}

function ownsUsers({ none, htpasswd }: Config['auth']): boolean {
  return !none && htpasswd.path === undefined;
}

/** `berth up` shows it, the password of the first user included, and ends. */
async function tellParent(started: Started): Promise<void> {
  const sent = Promise.withResolvers<void>();
  process.send?.(started, undefined, undefined, (error) =>
    error === null ? sent.resolve() : sent.reject(error),
  );
  await sent.promise;
  process.disconnect();
}

/** Shows a new password to a person; where output may end in a log, it is put into a file instead. */
export async function handOver(password: string, root: string, mayPrint: boolean): Promise<string> {
  if (mayPrint) return `${password}   (shown only now)`;
  const file = join(root, 'berth', 'first-password');
  await writePrivateFile(file, `${password}\n`);
  return `in ${file}; remove that file when you have read it`;
}

function onSignal(name: NodeJS.Signals, listener: () => void): Disposable {
  process.on(name, listener);
  return { [Symbol.dispose]: () => void process.off(name, listener) };
}
