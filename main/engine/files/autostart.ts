/**
 * The file by which desktops of Linux start the app when the person logs in. What it says now is what holds: others may
 * have switched it off, or taken it away.
 * https://specifications.freedesktop.org/autostart-spec/latest/, https://specifications.freedesktop.org/desktop-entry-spec/latest/
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, systemCode, writePrivateFile } from '../../../registry/disk/private-file.ts';

/** Where the file is; `folder` is where programs of the person keep their configuration. */
export function autostartFile(folder: string): string {
  return join(folder, 'autostart', 'berth.desktop');
}

/** Whether a session starts what the file names. */
export async function isAutostarted(path: string): Promise<boolean> {
  const entry = await readEntry(path);
  return (
    entry.get('Exec') !== undefined &&
    entry.get('Hidden') !== 'true' &&
    entry.get('X-GNOME-Autostart-enabled') !== 'false'
  );
}

/** Writes the file, durably, or removes it where there is no command. Throws DATA_UNUSABLE. */
export async function setAutostart(path: string, command: readonly string[] | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (command === undefined) {
    await rm(path, { force: true });
    return await syncDirectory(dirname(path));
  }
  await writePrivateFile(
    path,
    `[Desktop Entry]
Type=Application
Name=Berth
Comment=A private container registry, one click away
Exec=${command.map(execArgument).join(' ')}
Icon=berth-desktop
Terminal=false
`,
  );
}

/** Desktop Entry Specification, "The Exec key": quotes, then the escapes of a string, then those of field codes. */
function execArgument(text: string): string {
  const isPlain = /^[\w@+=:,./-]+$/.test(text);
  const quoted = isPlain ? text : `"${text.replaceAll(/["`$\\]/g, String.raw`\$&`)}"`;
  return quoted
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\t', String.raw`\t`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('%', '%%');
}

/** The keys of the group `[Desktop Entry]`; none of a file that is not there. */
async function readEntry(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  });
  const [, group = ''] = /^\[Desktop Entry\]\s*\n([^]*?)(?=^\[|$(?![^]))/m.exec(text) ?? [];
  return new Map(
    [...group.matchAll(/^([\w-]+)\s*=\s*(.*?)\s*$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
}
