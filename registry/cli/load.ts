import { defaultDataDir } from '../disk/data-dir.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Io } from './io.ts';

/** Options that lead to a configuration. */
export interface ConfigOptions {
  readonly data?: string | undefined;
  readonly config?: string | undefined;
}

/**
 * The configuration that `berth serve` would use with the same options, and its data directory; with a text as if the
 * file held that.
 */
export async function loadFor(
  io: Io,
  options: ConfigOptions,
  flags: Readonly<Record<string, unknown>> = {},
  text?: string,
): Promise<{ readonly loaded: LoadedConfig; readonly root: string }> {
  const root = options.data ?? defaultDataDir(io.env);
  const loaded = await loadConfig({
    file: options.config,
    env: io.env,
    flags: { 'storage.filesystem.rootdirectory': options.data, ...flags },
    root,
    text,
    otherVariables: ['BERTH_DATA'],
  });
  return { loaded, root: loaded.config.storage.filesystem?.rootdirectory ?? root };
}
