import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { writeImage } from '../../build/image.ts';
import { isInsideEngine } from '../support/engine.ts';
import { type Answer, request } from '../support/http.ts';
import { run, succeed } from '../support/process.ts';

if (await isInsideEngine(import.meta.filename)) {
  suite('the container image', () => {
    const resources = new AsyncDisposableStack();
    before(async () => {
      const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-image-')));
      await writeImage(path);
      await run('docker', ['build', '--tag', 'berth', path], { env: { DOCKER_BUILDKIT: '0' } }).then(
        ({ code, stdout, stderr }) => assert.equal(code, 0, stdout + stderr),
      );
    });
    after(() => resources.disposeAsync());

    const dataDirectories = [
      { name: 'a volume', args: ['--volume', 'berth-data:/data'] },
      { name: 'a tmpfs', args: ['--tmpfs', '/data:uid=65532,mode=0700'] },
    ];
    for (const { name, args } of dataDirectories) {
      test(`read-only, without capabilities and with ${name}: it gets ready, a user logs in, and it stops within 2 s`, async () => {
        const hardened = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
        const id = await docker('run', '--detach', ...hardened, ...args, '--publish', '5443:5443', 'berth');

        const ready = await readiness(id);
        const password = await docker('exec', id, 'berth', 'user', 'add', 'ci', '--json');
        const login = await run('docker', ['login', '-u', 'ci', '--password-stdin', 'localhost:5443'], {
          input: (JSON.parse(password) as { readonly password: string }).password,
        });
        const since = performance.now();
        await docker('stop', id);
        const stopMs = performance.now() - since;
        const exit = await docker('inspect', '--format', '{{.State.ExitCode}}', id);
        await docker('rm', id);

        assert.deepEqual(
          [ready.json(), login.code, exit],
          [{ status: 'ready' }, 0, '0'],
          login.stdout + login.stderr,
        );
        assert.ok(stopMs < 2000, `${stopMs} ms`);
      });
    }

    test('is smaller than 140 MB and does not run as root', async (t) => {
      const size = Number(await docker('image', 'inspect', '--format', '{{.Size}}', 'berth'));
      const user = await docker('image', 'inspect', '--format', '{{.Config.User}}', 'berth');

      t.diagnostic(`${(size / 1e6).toFixed(0)} MB`);
      assert.ok(size < 140e6, String(size));
      assert.equal(user, '65532:65532');
      const env = await docker('image', 'inspect', '--format', '{{.Config.Env}}', 'berth');
      assert.match(env, /\bMALLOC_ARENA_MAX=2\b/);
    });
  });
}

async function docker(...args: readonly string[]): Promise<string> {
  return (await succeed('docker', args)).trim();
}

/**
 * Waits until the port answers, which to plain HTTP from outside of the container is 426, and answers what /readyz
 * says over HTTPS. Throws with the log when the container ends or 30 s pass.
 */
async function readiness(id: string): Promise<Answer> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(50)) {
    const refused = await request('http://localhost:5443').catch(() => undefined);
    if (refused?.status === 426) {
      const ca = await docker('exec', id, 'berth', 'cert', 'export-ca');
      return await request('https://localhost:5443', { path: '/readyz', ca });
    }
    if ((await docker('inspect', '--format', '{{.State.Running}}', id)) !== 'true') break;
  }
  const { stdout, stderr } = await run('docker', ['logs', id]);
  throw new Error(`the container did not get ready:\n${stdout}${stderr}`);
}
