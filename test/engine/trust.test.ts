/** Real daemons: refused first, then trusted in each way, used, undone, and refused again. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed, type RunResult } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { users } from '../clients/workspace.ts';
import { type Berth, berthOn } from '../support/berth.ts';

/** Not loopback for docker, so that it verifies the certificate: see private-engine.sh. */
const engineName = 'registry.berth.test';
const certs = '/etc/docker/certs.d';
const daemonJson = '/etc/docker/daemon.json';
const unknownAuthority = /x509: certificate signed by unknown authority/;

if (await isInsideEngine(import.meta.filename)) {
  suite('trust in a private engine', () => {
    const resources = new AsyncDisposableStack();
    let registry: TestRegistry;
    let berth: Berth;
    let address: string;
    let tar: string;
    before(async () => {
      const { path: folder } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-trust-')));
      registry = resources.use(
        await startRegistry({
          auth: 'htpasswd',
          users,
          listen: '0.0.0.0:0',
          env: { BERTH_TLS_NAMES: `[${engineName}]` },
        }),
      );
      berth = berthOn(registry.dataDir);
      address = `${engineName}:${registry.port}`;
      ({ out: tar } = await makeImage({ out: join(folder, 'app.tar'), ref: 'app:1' }));
    });
    after(() => resources.disposeAsync());

    const login = (): Promise<RunResult> =>
      run('docker', ['login', '--username', 'dev', '--password-stdin', address], {
        input: users.dev.password,
      });

    /** Login, push, rmi, pull, run; nothing of it is left in the engine. */
    const useRegistry = async (): Promise<void> => {
      const ref = `${address}/trust/app:1`;
      assert.match((await login()).stdout, /Login Succeeded/);
      await succeed('docker', ['load', '--input', tar]);
      await succeed('docker', ['tag', 'app:1', ref]);
      await succeed('docker', ['push', ref]);
      await succeed('docker', ['rmi', ref, 'app:1']);
      await succeed('docker', ['pull', ref]);
      assert.equal(await succeed('docker', ['run', '--rm', '--network', 'none', ref]), 'hello from berth\n');
      await succeed('docker', ['rmi', ref]);
      await succeed('docker', ['logout', address]);
    };

    const isRefused = async (): Promise<void> => {
      const { code, stderr } = await login();
      assert.notEqual(code, 0);
      assert.match(stderr, unknownAuthority);
    };

    test('at localhost Docker needs nothing, and berth says why', async () => {
      const engines = (await berth.json('trust', 'ls')) as readonly Record<string, unknown>[];
      const docker = engines.find(({ id }) => id === 'docker');

      const { need, ...rest } = docker as { need: { kind: string; why: string } } & Record<string, unknown>;
      assert.deepEqual(
        [rest['address'], rest['state'], rest['certainty'], need.kind],
        [`localhost:${registry.port}`, 'running', 'probed', 'nothing'],
      );
      assert.match(await berth.run('trust', 'add', 'docker'), /^Nothing to do\. /);
      assert.match(
        await berth.run('trust', 'verify', 'docker'),
        /^docker\tlocalhost:\d+\taccepts the registry\t\n$/,
      );
    });

    test('by a file in certs.d: used, undone, and refused again', async () => {
      await isRefused();

      const plan = await berth.run('trust', 'add', 'docker', '--address', address, '--dry-run');
      const added = await berth.agree('trust', 'add', 'docker', '--address', address);
      const { mode } = await stat(`${certs}/${address}/berth.crt`);
      await useRegistry();
      const [{ id, state } = { id: '', state: '' }] = (await berth.json('changes', 'ls')) as readonly {
        readonly id: string;
        readonly state: string;
      }[];
      const undone = await berth.run('changes', 'undo', id);

      assert.match(plan, new RegExp(`\\+ ${certs}/${address}/berth\\.crt`));
      assert.match(added, /^c1 {2}.*: done, and it works\.\n$/);
      assert.deepEqual([state, mode & 0o777], ['in place', 0o644]);
      assert.match(undone, /: undone\.\n$/);
      assert.equal((await readdir('/etc/docker')).includes('certs.d'), false);
      await isRefused();
    });

    test('through the Engine API by a user who is not root: used, undone, and refused again', async () => {
      // To everybody but root the socket is closed; who may use it needs no password for the file.
      await succeed('chmod', ['666', '/run/docker.sock']);
      await succeed('chown', ['-R', 'nobody', registry.dataDir]);
      const asNobody = berthAs('nobody', registry.dataDir);
      await isRefused();

      const { plan, changes } = (await asNobody(
        'trust',
        'add',
        'docker',
        '--address',
        address,
        '--dry-run',
        '--json',
      )) as {
        readonly plan: string;
        readonly changes: readonly { readonly place: { readonly kind: string } }[];
      };
      await asNobody('trust', 'add', 'docker', '--address', address, '--yes', '--plan', plan);
      const owner = await stat(`${certs}/${address}/berth.crt`);
      await useRegistry();
      await asNobody('changes', 'undo', '--all');
      await succeed('chown', ['-R', 'root', registry.dataDir]);

      assert.deepEqual(
        changes.map(({ place }) => place.kind),
        ['engine-file'],
      );
      assert.deepEqual([owner.uid, owner.mode & 0o777], [0, 0o644]);
      await assert.rejects(stat(`${certs}/${address}/berth.crt`), { code: 'ENOENT' });
      await isRefused();
    });

    for (const { name, original } of [
      { name: 'no daemon.json', original: undefined },
      { name: 'a daemon.json of others', original: '{\n\t"log-level": "info",\n\t"labels": ["a=b"]\n}' },
      { name: 'other entries', original: '{ "insecure-registries": [ "10.0.0.5:5000" ] }\n' },
    ]) {
      test(`insecure-registries with a reload, over ${name}: used, undone to the byte, and refused again`, async () => {
        await mkdir('/etc/docker', { recursive: true });
        if (original !== undefined) {
          await writeFile(daemonJson, original);
          await succeed('engine', ['reload']);
        }
        const pid = await succeed('engine', ['pid']);
        await isRefused();

        await berth.agree('trust', 'add', 'docker', '--address', address, '--how', 'insecure');
        const listed = await insecureRegistries();
        await useRegistry();
        await berth.run('trust', 'remove', 'docker');

        assert.ok(listed.includes(address), listed.join());
        assert.equal((await insecureRegistries()).includes(address), false);
        assert.equal(await readFile(daemonJson, 'utf8').catch(() => undefined), original);
        assert.equal(await succeed('engine', ['pid']), pid, 'dockerd was restarted');
        await isRefused();
        if (original !== undefined) await succeed('rm', [daemonJson]);
      });
    }

    test('what dockerd does not take over is put back, to the byte', async () => {
      // dockerd refuses every reload while flag and file say the same thing.
      const original = '{ "debug": true, "no-such-key": 1 }';
      await writeFile(daemonJson, original);

      const { plan } = (await berth.json(
        'trust',
        'add',
        'docker',
        '--address',
        address,
        '--how',
        'insecure',
        '--dry-run',
      )) as { readonly plan: string };
      const { code, stderr } = await berth.try(
        'trust',
        'add',
        'docker',
        '--address',
        address,
        '--how',
        'insecure',
        '--yes',
        '--plan',
        plan,
      );

      assert.equal(code, 1);
      assert.match(stderr, /^CHANGE_FAILED: .* The change was taken back\.$/m);
      assert.equal(await readFile(daemonJson, 'utf8'), original);
      assert.equal((await insecureRegistries()).includes(address), false);
      await succeed('rm', [daemonJson]);
    });

    test('a Docker that is stopped finds the entry when it starts', async () => {
      await succeed('engine', ['stop']);

      const added = await berth.agree('trust', 'add', 'docker', '--address', address, '--how', 'insecure');
      await succeed('engine', ['start'], { env: { ENGINE_WORK: process.env['ENGINE_WORK'] ?? '' } });
      const listed = await insecureRegistries();
      await berth.run('trust', 'remove', 'docker');

      assert.match(added, /: done\.\n$/);
      assert.ok(listed.includes(address), listed.join());
      assert.equal((await insecureRegistries()).includes(address), false);
      await assert.rejects(stat(daemonJson), { code: 'ENOENT' });
    });

    test('without consent nothing is changed, and the sheet says how to agree', async () => {
      const asked = await berth.try('trust', 'add', 'docker', '--address', address);
      const other = await berth.try(
        'trust',
        'add',
        'docker',
        '--address',
        address,
        '--yes',
        '--plan',
        '0'.repeat(16),
      );

      assert.deepEqual([asked.code, other.code], [4, 4]);
      assert.match(asked.stderr, /Let Docker .* trust the registry at .*\?[\s\S]*--yes --plan [0-9a-f]{16}/);
      await assert.rejects(stat(`${certs}/${address}`), { code: 'ENOENT' });
    });

    test('later edits of others stay, and what would overwrite them is refused', async () => {
      const file = `${certs}/${address}/berth.crt`;
      await writeFile(daemonJson, '{ "labels": ["a=b"] }\n');
      await berth.agree('trust', 'add', 'docker', '--address', address, '--how', 'insecure');
      await berth.agree('trust', 'add', 'docker', '--address', address);
      const edited = (await readFile(daemonJson, 'utf8')).replace('a=b', 'c=d');
      await writeFile(daemonJson, edited);
      await writeFile(file, 'somebody else was here\n');

      const states = (await berth.json('changes', 'ls')) as readonly {
        readonly id: string;
        readonly state: string;
      }[];
      const [insecure, certificate] = states.slice(-2);
      const refused = await berth.try('changes', 'undo', certificate?.id ?? '');
      await berth.run('changes', 'undo', insecure?.id ?? '');

      assert.deepEqual([insecure?.state, certificate?.state], ['changed by others', 'changed by others']);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^CHANGE_CONFLICT: /);
      assert.equal(await readFile(file, 'utf8'), 'somebody else was here\n');
      assert.equal(await readFile(daemonJson, 'utf8'), '{ "labels": ["c=d"] }\n');
      await succeed('rm', ['-r', daemonJson, certs]);
    });

    test(
      'podman: refused, trusted by one file in the home of the user, used, undone',
      needs('podman'),
      async () => {
        const local = `localhost:${registry.port}`;
        const untrusted = await podmanLogin(local);

        await berth.agree('trust', 'add', 'podman');
        const trusted = await podmanLogin(local);
        await berth.run('trust', 'remove', 'podman');
        const removed = await podmanLogin(local);

        assert.match(untrusted.stderr, unknownAuthority);
        assert.equal(trusted.code, 0, trusted.stderr);
        assert.match(removed.stderr, unknownAuthority);
      },
    );

    test('a registry that does not run is told with its own exit status', async () => {
      const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-none-')));

      const { code, stderr } = await berthOn(path).try('trust', 'add', 'docker');

      assert.equal(code, 3);
      assert.match(stderr, /^NOT_RUNNING: /);
    });

    test('an engine that is not there is told with the nearest one', async () => {
      const { code, stderr } = await berth.try('trust', 'add', 'dokcer');

      assert.equal(code, 5);
      assert.match(stderr, /^ENGINE_UNKNOWN: .*did you mean docker\?/);
    });

    async function podmanLogin(at: string): Promise<RunResult> {
      const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-auth-')));
      const args = ['login', '--authfile', join(path, 'auth.json'), '-u', 'dev', '--password-stdin', at];
      return await run('podman', args, { input: users.dev.password });
    }
  });
}

async function insecureRegistries(): Promise<readonly string[]> {
  const text = await succeed('docker', ['info', '--format', '{{json .RegistryConfig.IndexConfigs}}']);
  const configs = JSON.parse(text) as Readonly<Record<string, { readonly Secure: boolean }>>;
  return Object.keys(configs).filter((name) => configs[name]?.Secure === false);
}

/** Runs berth as another user and answers its JSON, or its text where it is none. */
function berthAs(user: string, dataDir: string) {
  const cli = join(import.meta.dirname, '..', '..', 'registry', 'cli', 'main.ts');
  return async (...args: readonly string[]): Promise<unknown> => {
    const command = ['--reuid', user, '--clear-groups', process.execPath, cli, ...args, '--data', dataDir];
    const { code, stdout, stderr } = await run('setpriv', command, { env: { HOME: dataDir } });
    assert.equal(code, 0, `berth ${args.join(' ')}: ${stdout}${stderr}`);
    return args.includes('--json') ? (JSON.parse(stdout) as unknown) : stdout;
  };
}
