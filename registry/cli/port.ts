/** The port of a registry that cannot start because another process has it. */
import { createSettings, lockOf } from '../config/settings.ts';
import { findFreePort } from '../index.ts';
import { isAppError } from '../spec/errors.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';

const path = 'http.addr';

/** The next free port; `undefined` where `setPort` could not set one, because a variable or an option fixes it. */
export async function findOtherPort(io: Io, config: ConfigOptions): Promise<number | undefined> {
  const { loaded } = await loadFor(io, config);
  const { addr } = loaded.config.http;
  if (addr === undefined || lockOf(loaded.sources.get(path)).isLocked) return undefined;
  return await findFreePort(addr).catch((error: unknown) => {
    // Those after it may be ports that this user may not have.
    if (isAppError(error)) return undefined;
    throw error;
  });
}

/**
 * Writes the port into the configuration, as `berth config set http.addr` does; the host stays.
 * @throws AppError SETTING_LOCKED, CONFIG_INVALID, DATA_UNUSABLE
 */
export async function setPort(io: Io, config: ConfigOptions, port: number): Promise<void> {
  const { loaded, root } = await loadFor(io, config);
  const load = async (text?: string) => (await loadFor(io, config, {}, text)).loaded;
  const value = `${loaded.config.http.addr?.replace(/:\d+$/, '') ?? 'localhost'}:${port}`;
  await createSettings({ loaded, load, root }).change([{ path, value }]);
}
