import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/**
 * Where the registry keeps its data unless told otherwise: $BERTH_DATA, else the place of the system for data of
 * one user. Linux: XDG Base Directory Specification, where a relative XDG_DATA_HOME counts as unset.
 */
export function defaultDataDir(
  env: Readonly<Record<string, string | undefined>>,
  {
    platform = process.platform,
    home = homedir(),
  }: { readonly platform?: string; readonly home?: string } = {},
): string {
  const chosen = env['BERTH_DATA'];
  if (chosen !== undefined && chosen !== '')
    return platform === 'win32' ? win32.resolve(chosen) : posix.resolve(chosen);
  if (platform === 'win32') {
    return win32.join(env['LOCALAPPDATA'] || win32.join(home, 'AppData', 'Local'), 'Berth');
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'Berth');
  const shared = env['XDG_DATA_HOME'];
  return posix.join(
    shared !== undefined && posix.isAbsolute(shared) ? shared : posix.join(home, '.local/share'),
    'berth',
  );
}
