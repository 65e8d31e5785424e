import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnv, succeed } from '../support/process.ts';

export interface DockerRegistry extends AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly url: string;
}

/**
 * Starts Debian's docker-registry (distribution 2.8) on a data directory, with further sections of its configuration.
 * Disposing ends it.
 */
export async function startDockerRegistry(dataDir: string, sections: object = {}): Promise<DockerRegistry> {
  await using cleanup = new AsyncDisposableStack();
  const config = cleanup.use(await writeConfig(dataDir, sections));
  const child = spawn('docker-registry', ['serve', config.path], {
    env: childEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  cleanup.defer(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let log = '';
  for await (const part of child.stderr.iterator({ destroyOnReturn: false })) {
    log += String(part);
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
    if (address === undefined) continue;
    child.stderr.resume();
    const owned = cleanup.move();
    return { url: `http://${address}`, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }
  throw new Error(`docker-registry ended:\n${log}`);
}

/** Runs `docker-registry garbage-collect` on a data directory that nobody serves. */
export async function collectGarbage(dataDir: string): Promise<string> {
  await using config = await writeConfig(dataDir);
  return await succeed('docker-registry', ['garbage-collect', config.path]);
}

async function writeConfig(dataDir: string, sections: object = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'berth-compat-'));
  const path = join(directory, 'config.yml');
  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: {
      filesystem: { rootdirectory: dataDir },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: '127.0.0.1:0', secret: 'fixed', relativeurls: true },
    ...sections,
  };
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
