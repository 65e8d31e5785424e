import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where programs are looked for; daemons live in the sbin folders, which are not on every PATH. */
export const searchPath = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(
  delimiter,
);

/**
 * Answers the options of a test that runs programs of tools.txt, or needs `root`: nothing when all are there,
 * otherwise a skip that names the Debian packages. With CI=true a missing program is an error, so that a test
 * can never go missing there.
 */
export function needs(...tools: readonly string[]): { skip?: string } {
  const missing = tools.filter((tool) => !isAvailable(tool)).map((tool) => `${tool} (${sourceOf(tool)})`);
  if (missing.length === 0) return {};

  const reason = `needs ${missing.join(', ')}`;
  if (process.env['CI'] === 'true') throw new Error(`${reason}: with CI=true nothing may be skipped`);
  return { skip: reason };
}

/** The Debian packages of the programs of tools.txt that are not here. */
export function missingPackages(): readonly string[] {
  const lines = readFileSync(join(import.meta.dirname, 'tools.txt'), 'utf8').split('\n');
  const packages = lines.flatMap((line) => {
    const [tool = '#', from = '-'] = line.split(/\s+/);
    return tool.startsWith('#') || tool === '' || from === '-' || isAvailable(tool) ? [] : [from];
  });
  return [...new Set(packages)];
}

/** True if a program is here, or for `root` the right to do anything. */
export function isAvailable(tool: string): boolean {
  return tool === 'root'
    ? process.getuid?.() === 0
    : searchPath.split(delimiter).some((folder) => isProgram(join(folder, tool)));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function sourceOf(tool: string): string {
  if (tool === 'root') return 'run the tests as root';
  const line = readFileSync(join(import.meta.dirname, 'tools.txt'), 'utf8')
    .split('\n')
    .find((row) => row.startsWith(`${tool} `));
  if (line === undefined) throw new Error(`${tool} is not in test/support/tools.txt`);
  const source = line.slice(tool.length).trim();
  return source.startsWith('- ') ? source.slice(2) : `Debian package ${source}`;
}
