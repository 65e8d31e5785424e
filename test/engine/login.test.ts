import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { bytesAfter, type Change } from '../../main/engine/change.ts';
import { openPlace } from '../../main/engine/changes/places.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { dockerConfigFile } from '../../main/engine/login/docker-config.ts';
import { loginsFile, readLogin, saveLogin } from '../../main/engine/login/logins.ts';
import { planLogin, planLogout, runEngineLogin } from '../../main/engine/login/plan-login.ts';
import { findHidingFiles, podmanAuthFile } from '../../main/engine/login/podman-auth.ts';
import { users } from '../clients/workspace.ts';
import { isInsideEngine } from '../support/engine.ts';
import { makeImage } from '../support/image.ts';
import { childEnv, run, succeed, type RunOptions, type RunResult } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs, searchPath } from '../support/tools.ts';

const helper = join(import.meta.dirname, '../../main/engine/login/docker-credential-berth.ts');
const helperCommand = [process.execPath, helper];
const { password } = users.dev;
const wrong = Buffer.from('dev:wrong').toString('base64');

/** A user of this computer with a home of its own, in which clients keep everything. */
interface Person extends AsyncDisposable {
  readonly host: Host;
  /** Runs a client with what keeps it inside of the home. */
  run(client: Client, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

type Client = 'docker' | 'podman' | 'skopeo' | 'buildah';

if (await isInsideEngine(import.meta.filename)) {
  suite('logins that real clients use', needs('podman', 'skopeo', 'buildah', 'strace'), () => {
    const resources = new AsyncDisposableStack();
    let folder: string;
    let registry: TestRegistry;
    let address: string;
    let ref: string;
    before(async () => {
      folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-login-'))).path;
      registry = resources.use(await startRegistry({ auth: 'htpasswd', users }));
      address = `localhost:${registry.port}`;
      ref = `${address}/login/app:1`;
      // The relatives of Podman verify certificates of localhost, docker does not.
      const certificates = `/etc/containers/certs.d/${address}`;
      await mkdir(certificates, { recursive: true });
      await writeFile(join(certificates, 'ca.crt'), registry.ca ?? '');
      const { out } = await makeImage({ out: join(folder, 'image'), ref: 'app:1' });
      await succeed('skopeo', ['copy', '--dest-creds', `dev:${password}`, `oci:${out}:1`, `docker://${ref}`]);
    });
    after(() => resources.disposeAsync());

    const makePerson = async (): Promise<Person> => {
      const home = await mkdtempDisposable(join(folder, 'home-'));
      const runtime = join(home.path, 'run');
      await mkdir(runtime);
      const env = childEnv({
        HOME: home.path,
        XDG_RUNTIME_DIR: runtime,
        PATH: `${join(home.path, '.local/bin')}:${searchPath}`,
        PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
      });
      // As root the plan would place the helper in /usr/local/bin of this computer.
      const host: Host = { ...thisHost(env), uid: 1000 };
      return {
        host,
        run: (client, args, options) =>
          run(client, [...storageOf(client, home.path), ...args], {
            ...options,
            env: { ...env, ...options?.env },
          }),
        [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
      };
    };
    /** What berth login does with the helper: the login in the private file, the plan carried out. */
    const logIn = async (person: Person): Promise<void> => {
      const request = { address, user: 'dev', store: 'helper', helperCommand } as const;
      const { plan } = await planLogin(person.host, request);
      await saveLogin(person.host, address, { user: 'dev', secret: password, tokenId: 't1' });
      await carryOut(person.host, plan.changes);
    };
    const pull = (person: Person, client: Client): Promise<RunResult> =>
      person.run(client, [
        ...{
          docker: ['pull', '--quiet'],
          podman: ['pull', '--quiet'],
          skopeo: ['inspect'],
          buildah: ['pull', '--quiet', '--policy', 'always'],
        }[client],
        client === 'skopeo' ? `docker://${ref}` : ref,
      ]);

    for (const client of ['docker', 'podman', 'skopeo', 'buildah'] as const) {
      test(`${client} pulls with the helper and no login command, and not without a login`, async () => {
        await using person = await makePerson();
        const without = await pull(person, client);

        await logIn(person);
        const done = await pull(person, client);

        assert.notEqual(without.code, 0);
        assert.match(without.stderr, /no basic auth credentials|unauthorized/);
        assert.equal(done.code, 0, done.stderr);
      });
    }

    for (const client of ['docker', 'podman'] as const) {
      test(`${client} pushes with the helper and no login command`, async () => {
        await using person = await makePerson();
        await logIn(person);
        const { out } = await makeImage({ out: join(folder, `${client}.tar`), ref: 'localhost/push:1' });
        const name = `${address}/login/${client}:1`;

        for (const args of [
          ['load', '--input', out],
          ['tag', 'localhost/push:1', name],
          ['push', name],
        ]) {
          const { code, stderr } = await person.run(client, args);
          assert.equal(code, 0, stderr);
        }
      });
    }

    test('docker login stores through the helper, docker logout erases, and nothing of it is in config.json', async () => {
      await using person = await makePerson();
      const { host } = person;
      await logIn(person);
      await rm(loginsFile(host));
      const list = () => host.run('docker-credential-berth', ['list']);

      const loggedIn = await person.run('docker', ['login', '-u', 'builder', '--password-stdin', address], {
        input: users.builder.password,
      });
      const config = await readFile(dockerConfigFile(host), 'utf8');
      const listed = await list();
      const pulled = await pull(person, 'docker');
      const loggedOut = await person.run('docker', ['logout', address]);

      assert.equal(loggedIn.code, 0, loggedIn.stderr);
      assert.deepEqual(JSON.parse(config), { credHelpers: { [address]: 'berth' }, auths: { [address]: {} } });
      assert.deepEqual(JSON.parse(listed?.stdout ?? ''), { [address]: 'builder' });
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.deepEqual([loggedOut.code, loggedOut.stderr, (await list())?.stdout], [0, '', '{}\n']);
    });

    test('docker login without a name uses the login that is there, whose token stays known', async () => {
      await using person = await makePerson();
      await logIn(person);

      const { code, stdout, stderr } = await person.run('docker', ['login', address]);

      assert.equal(code, 0, stderr);
      assert.match(stdout, /Login Succeeded/);
      assert.deepEqual(await readLogin(person.host, address), {
        user: 'dev',
        secret: password,
        tokenId: 't1',
      });
    });

    test('the secret is in no argument, no output and no file but one', async () => {
      await using person = await makePerson();
      await logIn(person);
      const trace = join(person.host.home, 'trace');
      const strace = ['-f', '-qq', '-s', '4096', '-e', 'trace=execve', '-o', trace];

      const traced = await person.host.run('strace', [...strace, 'docker', 'pull', ref]);

      const calls = await readFile(trace, 'utf8');
      const secretOrBase64 = new RegExp(`${password}|${Buffer.from(`dev:${password}`).toString('base64')}`);
      assert.equal(traced?.code, 0, traced?.stderr);
      assert.match(calls, /docker-credential-berth", "get"/);
      assert.doesNotMatch(calls + traced.stdout + traced.stderr, secretOrBase64);
      const holders = await succeed('grep', ['-rlE', secretOrBase64.source, person.host.home]);
      assert.equal(holders, `${loginsFile(person.host)}\n`);
    });

    test('a logins file that others can read is refused: docker has no credentials, podman says why', async () => {
      await using person = await makePerson();
      await logIn(person);
      await chmod(loginsFile(person.host), 0o644);

      const docker = await pull(person, 'docker');
      const podman = await pull(person, 'podman');

      assert.match(docker.stderr, /no basic auth credentials/);
      assert.match(podman.stderr, /logins\.json\\?" has the mode 0644: .* chmod 600/);
    });

    test('a helper that is gone from the PATH leaves docker without credentials', async () => {
      await using person = await makePerson();
      await logIn(person);
      await rm(join(person.host.home, '.local/bin/docker-credential-berth'));

      const { code, stderr } = await pull(person, 'docker');

      assert.notEqual(code, 0);
      assert.match(stderr, /no basic auth credentials/);
    });

    test('the helper wins over a readable password in config.json, which the commands of the logout remove', async () => {
      await using person = await makePerson();
      const config = dockerConfigFile(person.host);
      const keys = [address, `https://${address}`, `https://${address}/v2/`];
      await mkdir(dirname(config));
      const auths = Object.fromEntries(keys.map((key) => [key, { auth: wrong }]));
      await writeFile(config, JSON.stringify({ auths: { ...auths, 'other:1': { auth: wrong } } }));
      await logIn(person);

      const ends = [];
      for (const client of ['docker', 'podman', 'skopeo', 'buildah'] as const)
        ends.push(await pull(person, client));
      const { plan, commands } = await planLogout(person.host, { address });
      await carryOut(person.host, plan.changes);
      for (const [program = '', ...args] of commands) {
        assert.equal(program, 'docker');
        ends.push(await person.run('docker', args));
      }

      for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
      assert.equal(commands.length, keys.length);
      assert.deepEqual(JSON.parse(await readFile(config, 'utf8')), { auths: { 'other:1': { auth: wrong } } });
    });

    test('what is said to hide the helper from Podman, Skopeo and Buildah hides it, and nothing else does', async (t) => {
      const lasting = '.config/containers/auth.json';
      const session = 'run/containers/auth.json';
      for (const { name, file, content } of [
        { name: 'a login of the session', file: session, content: { auths: { [address]: { auth: wrong } } } },
        { name: 'a lasting login', file: lasting, content: { auths: { [address]: { auth: wrong } } } },
        {
          name: 'an address in another spelling',
          file: lasting,
          content: { auths: { [`https://${address}/v2/`]: { auth: wrong } } },
        },
        {
          name: 'a login to the repository',
          file: session,
          content: { auths: { [`${address}/login`]: { auth: wrong } } },
        },
        {
          name: 'an identity token',
          file: session,
          content: { auths: { [address]: { auth: wrong, identitytoken: 'x' } } },
        },
        { name: 'another helper', file: session, content: { credHelpers: { [address]: 'gone' } } },
        { name: 'a broken file', file: lasting, content: '{' },
        { name: 'an empty file', file: session, content: '' },
        { name: 'an empty entry', file: session, content: { auths: { [address]: {} } } },
        {
          name: 'a name and a password of Docker',
          file: session,
          content: { auths: { [address]: { username: 'dev', password: 'wrong' } } },
        },
        { name: 'another address', file: lasting, content: { auths: { 'other:1': { auth: wrong } } } },
        { name: 'our own helper', file: session, content: { credHelpers: { [address]: 'berth' } } },
      ]) {
        await t.test(name, async () => {
          await using person = await makePerson();
          await logIn(person);
          const path = join(person.host.home, file);
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));

          const hiding = await findHidingFiles(person.host, address);
          const ends = await Promise.all(
            (['podman', 'skopeo', 'buildah'] as const).map((client) => pull(person, client)),
          );

          const isHidden = hiding.length > 0;
          assert.deepEqual(
            ends.map(({ code }) => code !== 0),
            [isHidden, isHidden, isHidden],
            ends.map(({ stderr }) => stderr).join('\n'),
          );
        });
      }
    });

    for (const { engine, file } of [
      { engine: 'docker', file: dockerConfigFile },
      { engine: 'podman', file: podmanAuthFile },
    ] as const) {
      test(`${engine} login keeps the login where the plan says, also after the helper was used`, async () => {
        await using person = await makePerson();
        await logIn(person);
        const { host } = person;
        const request = { address, user: 'dev', engine, store: 'engine', helperCommand } as const;

        const planned = await planLogin(host, request);
        await carryOut(host, planned.plan.changes);
        await rm(loginsFile(host));
        const refused = await runEngineLogin(host, { engine, address, user: 'dev', secret: 'wrong' }).catch(
          (error: unknown) => error,
        );
        const said = await runEngineLogin(host, { engine, address, user: 'dev', secret: password });
        const pulled = await pull(person, engine);

        assert.ok(refused instanceof Error);
        assert.equal(Reflect.get(refused, 'code'), 'LOGIN_FAILED');
        assert.match(refused.message, /401 Unauthorized|invalid username\/password/);
        assert.match(said, /^Login Succeeded!?$/);
        assert.equal(pulled.code, 0, pulled.stderr);
        assert.match(planned.plan.effects.join('\n'), /keeps the password readable \(base64\) in /);
        assert.ok(planned.plan.effects.join('\n').includes(file(host)));
        assert.match(
          await readFile(file(host), 'utf8'),
          new RegExp(Buffer.from(`dev:${password}`).toString('base64')),
        );
      });
    }

    test('a login with a podman that does not trust the registry says so', async () => {
      await using person = await makePerson();
      const untrusted = `127.0.0.1:${registry.port}`;

      const login = { engine: 'podman', address: untrusted, user: 'dev', secret: password } as const;

      await assert.rejects(() => runEngineLogin(person.host, login), {
        code: 'LOGIN_FAILED',
        message: /x509: certificate signed by unknown authority/,
        hint: /berth trust/,
      });
    });
  });
}

/** Makes the changes of a plan, all of which lie in the home. */
async function carryOut(host: Host, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    assert.ok(change.place.kind === 'file' && change.place.path.startsWith(host.home), change.title);
    await openPlace(host, change.place).write(bytesAfter(change));
  }
}

/** Storage, locks and events in the home. */
function storageOf(client: Client, home: string): readonly string[] {
  if (client === 'docker' || client === 'skopeo') return [];
  const folders = ['root', 'runroot'].map((name) => `--${name}=${join(home, `${client}-${name}`)}`);
  const own = [...folders, '--storage-driver=vfs'];
  if (client === 'buildah') return own;
  const temporary = `--tmpdir=${join(home, 'podman-tmpdir')}`;
  return [...own, temporary, '--cgroup-manager=cgroupfs', '--events-backend=file'];
}
