/** berth doctor with a real Docker and a real Podman: green after one consent, and each fault told. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isInsideEngine } from '../support/engine.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs, searchPath } from '../support/tools.ts';
import { users } from '../clients/workspace.ts';
import { type Berth, berthOn } from '../support/berth.ts';

interface Check {
  readonly id: string;
  readonly status: string;
  readonly sentence: string;
  readonly fix?: { readonly command?: string };
}

if (await isInsideEngine(import.meta.filename)) {
  suite('the doctor, with Docker and Podman', needs('podman'), () => {
    const resources = new AsyncDisposableStack();
    let registry: TestRegistry;
    let berth: Berth;
    before(async () => {
      const { path: home } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-home-')));
      const bin = join(home, '.local', 'bin');
      await mkdir(bin, { recursive: true });
      registry = resources.use(await startRegistry({ auth: 'htpasswd', users }));
      // The shim of the credential helper goes into the home, since /usr/local is not private to the engine.
      const PATH = [bin, ...searchPath.split(delimiter).filter((each) => each !== '/usr/local/bin')].join(
        delimiter,
      );
      berth = berthOn(registry.dataDir, { HOME: home, PATH, XDG_RUNTIME_DIR: home });
    });
    after(() => resources.disposeAsync());

    /** The checks that did not pass, as `id status`. */
    const troubles = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { stdout, code } = await berth.try('doctor', '--json', ...args);
      const checks = JSON.parse(stdout) as readonly Check[];
      const found = checks
        .filter(({ status }) => status !== 'pass')
        .map(({ id, status }) => `${id} ${status}`);
      assert.equal(code, found.some((each) => each.endsWith(' fail')) ? 1 : 0);
      return found;
    };

    test('what is missing is found, mended after one consent, and all is green', async () => {
      const first = await troubles();
      const { plan, changes } = JSON.parse(
        (await berth.run('doctor', '--fix', '--dry-run', '--json')).replace(/^[^{]*/, ''),
      ) as { readonly plan: string; readonly changes: readonly unknown[] };
      const stillMissing = await troubles();
      const mended = await berth.run('doctor', '--fix', '--yes', '--plan', plan);
      const second = await troubles();

      assert.deepEqual(first, [
        'docker.login fail',
        'podman.handshake fail',
        'podman.login fail',
        'podman.push skip',
      ]);
      assert.ok(changes.length >= 2);
      assert.deepEqual(stillMissing, first, 'a dry run changed something');
      assert.match(mended, /No problems found\.\n$/);
      assert.deepEqual(second, []);
    });

    test('nothing of the checks stays in the registry or in the engine', async () => {
      const tokens = await berth.run('token', 'ls');
      const images = await succeed('docker', ['images', '--all', '--quiet']);
      const containers = await succeed('docker', ['ps', '--all', '--quiet']);
      const repositories = await berth.run('ls');

      assert.equal(tokens.split('\n').filter((line) => line.includes('check by berth doctor')).length, 0);
      assert.deepEqual([images, containers, repositories], ['', '', '']);
    });

    for (const { name, act, undo, expected } of [
      {
        name: 'a daemon.json that Docker would not start with',
        act: () => writeFile('/etc/docker/daemon.json', '{ "debug": true, }'),
        undo: () => rm('/etc/docker/daemon.json'),
        expected: 'docker.configuration fail',
      },
      {
        name: 'keys that others can reach',
        act: () => chmod(join(registry.dataDir, 'berth'), 0o755),
        undo: () => chmod(join(registry.dataDir, 'berth'), 0o700),
        expected: 'server.modes fail',
      },
      {
        name: 'a certificate that is gone from the folder of Podman',
        act: () => rm(`/etc/containers/certs.d/localhost:${registry.port}/berth.crt`),
        undo: () => berth.agree('trust', 'add', 'podman'),
        expected: 'podman.handshake fail',
      },
    ]) {
      test(`${name}: told`, async () => {
        await act();
        try {
          assert.ok((await troubles()).includes(expected), expected);
        } finally {
          await undo();
        }
        assert.deepEqual(await troubles(), []);
      });
    }

    test('a registry that does not run, and who has its port', async () => {
      const { port } = registry;
      await registry.stop();
      const squatter = createServer().listen(port, '127.0.0.1');
      await once(squatter, 'listening');
      await writeFile(
        join(registry.dataDir, 'berth', 'config.yml'),
        `version: 0.1\nhttp:\n  addr: localhost:${port}\n`,
        {
          mode: 0o600,
        },
      );
      try {
        const { stdout, code } = await berth.try('doctor', '--json');
        const running = (JSON.parse(stdout) as readonly Check[]).find(({ id }) => id === 'server.running');

        assert.equal(code, 1);
        assert.match(
          running?.sentence ?? '',
          new RegExp(`Port ${port} is used by node \\(pid ${process.pid}\\)`),
        );
        assert.equal(running?.fix?.command, 'berth serve');
      } finally {
        squatter.close();
      }
    });
  });
}
