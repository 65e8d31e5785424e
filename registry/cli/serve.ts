/** berth serve: the registry in the foreground, until SIGINT or SIGTERM. */
import { Command, Option } from 'commander';
import { withValues } from '../config/fields.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Level, levels } from '../spec/log-record.ts';
import { withConfig } from './config.ts';
import { greeting, type Started } from './greeting.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { handOver, runRegistry } from './run-registry.ts';
import { windowFiles } from './window-files.ts';

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
  const stopped = Promise.withResolvers<string>();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopped.resolve(`${name} received`));
  const isBackground = options.background === true;
  await using running = await runRegistry(io, {
    config: options,
    flags: {
      'http.addr': options.listen,
      'log.level': options.logLevel,
      'auth.none': options.auth === undefined ? undefined : options.auth === 'none',
    },
    ...(options.firstRun === true ? { adjust: withWindow } : {}),
    // In the background nobody reads the output, and the service log has its file.
    ...(isBackground ? {} : { out: io.out }),
    err: isBackground ? ignore : io.err,
    runs: isBackground ? 'background' : 'foreground',
    onStop: () => stopped.resolve('asked to stop'),
    ui: windowFiles,
  });
  const { registry, root, first } = running;
  const { urls, ui, log } = registry;
  if (isBackground && process.connected) await tellParent({ urls, ui, root, ...first });
  else {
    const mayPrint = io.isTTY || options.firstRun === true;
    const password = first === undefined ? undefined : await handOver(first.password, root, mayPrint);
    io.out(greeting({ urls, ui, root, user: first?.user, password }));
  }

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

/** `berth up` shows it, the password of the first user included, and ends. */
async function tellParent(started: Started): Promise<void> {
  const sent = Promise.withResolvers<void>();
  process.send?.(started, undefined, undefined, (error) =>
    error === null ? sent.resolve() : sent.reject(error),
  );
  await sent.promise;
  process.disconnect();
}

function onSignal(name: NodeJS.Signals, listener: () => void): Disposable {
  process.on(name, listener);
  return { [Symbol.dispose]: () => void process.off(name, listener) };
}
