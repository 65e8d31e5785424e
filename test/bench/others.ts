/** The programs that Berth is measured beside: what Debian has, and what `npm run bench -- build` makes with Go. */
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { succeed } from '../support/process.ts';
import { searchPath } from '../support/tools.ts';

export interface Other {
  readonly id: 'docker-registry' | 'distribution' | 'zot';
  readonly title: string;
  /** Absent where it is not on this machine. */
  readonly program: string | undefined;
  /** Where it can be had. */
  readonly source: string;
}

/** What Go builds; the versions are part of what a figure means. */
const modules = {
  distribution: { path: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.0.0' },
  zot: { path: 'zotregistry.dev/zot/v2/cmd/zot', version: 'v2.1.12' },
} as const;

const cache =
  process.env['BENCH_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'berth-bench');
// The engine of docker.ts has another home.
process.env['BENCH_CACHE'] = cache;

export function findOthers(): readonly Other[] {
  const built = (['distribution', 'zot'] as const).map((id) => ({
    id,
    title: `${id} ${modules[id].version}`,
    program: programIn([folderOf(id)], modules[id].path.slice(modules[id].path.lastIndexOf('/') + 1)),
    source: `npm run bench -- build ${id}`,
  }));
  const program = findProgram('docker-registry');
  return [{ id: 'docker-registry', title: 'docker-registry', program, source: 'of Debian' }, ...built];
}

/** The path of a program of this machine. */
export function findProgram(name: string): string | undefined {
  return programIn(searchPath.split(delimiter), name);
}

/** Builds into the cache of the user, by the Go module proxy that Go is set up with. */
export async function buildOthers(ids: readonly string[]): Promise<void> {
  const go = findProgram('go') ?? programIn(['/usr/local/go/bin'], 'go');
  if (go === undefined) throw new Error('Go is not on this machine: https://go.dev/dl');
  for (const id of ids) {
    if (id !== 'distribution' && id !== 'zot') throw new Error(`${id} is none of distribution, zot`);
    const folder = folderOf(id);
    await mkdir(folder, { recursive: true });
    const { path, version } = modules[id];
    process.stdout.write(`${path}@${version} ...\n`);
    await succeed(go, ['install', `${path}@${version}`], {
      env: { HOME: homedir(), GOBIN: folder },
      timeoutMs: 1_800_000,
    });
  }
}

function folderOf(id: keyof typeof modules): string {
  return join(cache, `${id}-${modules[id].version}`);
}

function programIn(folders: readonly string[], name: string): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
