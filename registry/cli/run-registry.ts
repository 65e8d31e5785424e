/** The registry with what is around it: its configuration, its first user, and what it answers about this computer. */
import { join } from 'node:path';
import { createFirstUser, removeFirstUser } from '../auth/accounts.ts';
import type { LoadedConfig } from '../config/load.ts';
import { firstPasswordFile } from '../disk/first-password.ts';
import { writePrivateFile } from '../disk/private-file.ts';
import { createRegistry, type Registry, type RegistryOptions } from '../index.ts';
import { openLogFile } from '../log/file.ts';
import type { Config } from '../spec/config.ts';
import { createComputerMethods } from './computer.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';

export interface RunOptions extends Pick<RegistryOptions, 'runs' | 'onStop' | 'ui' | 'err'> {
  /** Where the configuration is. */
  readonly config: ConfigOptions;
  /** Values of settings that come before those of the file and of the environment. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** What is made of each configuration that was loaded. */
  readonly adjust?: (loaded: LoadedConfig) => LoadedConfig;
  /** Takes the lines of the access log; `berth/logs/access.log` does where it is absent. */
  readonly out?: (line: string) => void;
}

/** Disposing stops the registry. */
export interface RunningRegistry extends AsyncDisposable {
  readonly registry: Registry;
  readonly root: string;
  /** The user that was made now, in a data directory that had none. */
  readonly first: { readonly user: string; readonly password: string } | undefined;
}

/** Starts it. Throws as `createRegistry` does; the first user is taken back then. */
export async function runRegistry(
  io: Io,
  { config, flags = {}, adjust = (loaded) => loaded, out, ...options }: RunOptions,
): Promise<RunningRegistry> {
  const { root } = await loadFor(io, config, flags);
  const load = async (text?: string): Promise<LoadedConfig> =>
    adjust((await loadFor(io, config, flags, text)).loaded);
  const loaded = await load();
  await using opening = new AsyncDisposableStack();
  const accessLog =
    out === undefined
      ? opening.use(await openLogFile({ path: join(root, 'berth', 'logs', 'access.log') }))
      : undefined;
  const first = ownsUsers(loaded.config.auth) ? await createFirstUser({ root }) : undefined;
  const registry = opening.use(
    await createRegistry({
      ...options,
      loaded,
      load,
      root,
      out: out ?? ((line) => accessLog?.write(line)),
      computer: createComputerMethods(io, config),
    }).catch(async (error: unknown) => {
      if (first !== undefined) await removeFirstUser({ root });
      throw error;
    }),
  );
  if (loaded.config.auth.none)
    registry.log.warn('loginOff', 'auth: none: everybody who reaches this port may do everything');
  const stack = opening.move();
  return { registry, root, first, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function ownsUsers({ none, htpasswd }: Config['auth']): boolean {
  return !none && htpasswd.path === undefined;
}

/** Shows a new password to a person; where output may end in a log, it is put into a file instead. */
export async function handOver(password: string, root: string, mayPrint: boolean): Promise<string> {
  if (mayPrint) return `${password}   (shown only now)`;
  const file = firstPasswordFile(root);
  await writePrivateFile(file, `${password}\n`);
  return `in ${file}; remove that file when you have read it`;
}
