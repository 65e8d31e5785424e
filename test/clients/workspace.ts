import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeImage, type TestImage } from '../support/image.ts';
import { run, succeed, type RunOptions, type RunResult } from '../support/process.ts';
import { startRegistry, type TestRegistry, type TestUser } from '../support/registry.ts';

/** One user of each role. */
export const users = {
  dev: { role: 'admin', password: 'correct horse' },
  builder: { role: 'push', password: 'battery staple' },
  reader: { role: 'pull', password: 'only looking' },
} as const satisfies Record<string, TestUser>;

/** What a client outside of the private engine needs: a home, the CA where it looks for it, a registry, an image. */
export interface Workspace extends AsyncDisposable {
  readonly registry: TestRegistry;
  /** Temporary folder, and HOME of the client. */
  readonly home: string;
  /** A folder for --cert-dir that holds the CA. */
  readonly certDir: string;
  /** For --authfile. */
  readonly authFile: string;
  /** One small image as OCI layout, tag 1. */
  readonly image: TestImage;
  /** An index of linux/amd64 and linux/arm64 as OCI layout, tag 1. */
  readonly index: TestImage;
  readonly run: (command: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;
  readonly succeed: (command: string, args: readonly string[], options?: RunOptions) => Promise<string>;
}

export async function makeWorkspace(): Promise<Workspace> {
  await using cleanup = new AsyncDisposableStack();
  const { path: home } = cleanup.use(await mkdtempDisposable(join(tmpdir(), 'berth-client-')));
  const registry = cleanup.use(await startRegistry({ auth: 'htpasswd', users }));
  const certDir = join(home, 'certs');
  await mkdir(certDir);
  await writeFile(join(certDir, 'ca.crt'), registry.ca ?? '');
  const image = await makeImage({ out: join(home, 'image'), ref: 'app:1' });
  const platforms = ['linux/amd64', 'linux/arm64'];
  const index = await makeImage({ out: join(home, 'index'), ref: 'app:1', platforms });
  // Without a runtime folder of its own a client would leave logins and locks in /run.
  const env = { HOME: home, XDG_RUNTIME_DIR: home, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
  const owned = cleanup.move();
  return {
    registry,
    home,
    certDir,
    authFile: join(home, 'auth.json'),
    image,
    index,
    run: (command, args, options) => run(command, args, { ...options, env: { ...env, ...options?.env } }),
    succeed: (command, args, options) =>
      succeed(command, args, { ...options, env: { ...env, ...options?.env } }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
