/**
 * What the plans for trust stores say, done step by step on this system: Debian's store with copies of its folders in
 * a mount namespace of its own, and NSS databases below a temporary HOME.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { bytesAfter, type Change, sha256 } from '../../main/engine/change.ts';
import { type Host, type RunResult, thisHost } from '../../main/engine/host.ts';
import { type NssPlan, planNssTrust } from '../../main/engine/trust/nss.ts';
import { findSystemStore, isTrustedBySystem, planSystemTrust } from '../../main/engine/trust/system-store.ts';
import { makeAuthority } from '../../registry/tls/authority.ts';
import { childEnv, run, succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const anchors = '/usr/local/share/ca-certificates';
const bundle = '/etc/ssl/certs/ca-certificates.crt';

if (await isInsidePrivateStore()) {
  suite('the store of Debian', () => {
    test('the planned file and commands let clients trust the registry, undoing leaves nothing', async () => {
      await using registry = await startRegistry();
      const { address, caFile: authorityFile, ca: authority = '' } = registry;
      const host = thisHost(childEnv());
      // Brings whatever this system has into the state that Debian's script makes.
      await succeed('update-ca-certificates', ['--fresh']);
      const before = { certificates: await listLinks('/etc/ssl/certs'), bundle: await readFile(bundle) };
      const refused = await tryClients(registry);

      const store = await findSystemStore(host);
      const plan = await planSystemTrust(host, { authority, authorityFile, address });
      const [change] = plan;
      assert.ok(plan.length === 1 && change?.place.kind === 'file' && change.activation.kind === 'run');
      await writeFile(change.place.path, bytesAfter(change), { mode: change.place.mode });
      const isTrustedEarly = await isTrustedBySystem(host, authority);
      await act(host, change.activation.command);
      const accepted = await tryClients(registry);
      const isTrusted = await isTrustedBySystem(host, authority);
      const again = await planSystemTrust(host, { authority, authorityFile, address });
      await rm(change.place.path);
      await act(host, change.activation.undo);

      assert.equal(store?.kind === 'anchors' ? store.folder : undefined, anchors);
      assert.equal(dirname(change.place.path), anchors);
      assert.deepEqual(change.proof, { kind: 'handshake', bundle, address });
      assert.deepEqual(refused, { curl: 60, openssl: 1, node: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
      assert.deepEqual(accepted, { curl: 0, openssl: 0, node: 'authorized' });
      assert.deepEqual([isTrustedEarly, isTrusted, again], [false, true, []]);
      assert.deepEqual(await tryClients(registry), refused);
      assert.equal(await isTrustedBySystem(host, authority), false);
      assert.deepEqual(
        { certificates: await listLinks('/etc/ssl/certs'), bundle: await readFile(bundle) },
        before,
      );
    });

    test('the commands for doing it by hand do the same', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-manual-'));
      const { certificate: authority } = makeAuthority({ hostname: 'desk', names: [], now: Date.now() });
      const authorityFile = join(folder.path, "the registry's ca.crt");
      await writeFile(authorityFile, authority);
      const host = thisHost(childEnv());
      const options = { authority, authorityFile, address: 'desk:5443' };

      const [change] = await planSystemTrust(host, options);
      assert.ok(change?.place.kind === 'file');
      for (const command of change.manual) await succeed('sh', ['-c', command]);

      assert.deepEqual(await readFile(change.place.path), bytesAfter(change));
      assert.equal((await stat(change.place.path)).mode & 0o777, change.place.mode);
      assert.deepEqual(await planSystemTrust(host, options), []);
    });
  });

  suite('NSS databases', needs('certutil'), () => {
    const older = makeAuthority({ hostname: 'desk', names: [], now: Date.now() - 3_600_000 }).certificate;
    const newer = makeAuthority({ hostname: 'desk', names: [], now: Date.now() }).certificate;

    test('every database of Chromium and Firefox gets the authority once, and loses it again', async (t) => {
      const { home, host, options } = await makeHome(t, newer);
      const databases = [
        '.pki/nssdb',
        'snap/chromium/current/.pki/nssdb',
        '.mozilla/firefox/a1.default',
        ".mozilla/firefox/b2.my profile's",
        'snap/firefox/common/.mozilla/firefox/c3.default',
      ].map((path) => join(home, path));
      for (const database of databases) await makeDatabase(database);
      await mkdir(join(home, '.mozilla/firefox/Crash Reports'));
      await writeFile(join(home, '.mozilla/firefox/profiles.ini'), '');

      const changes = changesOf(await planNssTrust(host, options));
      const absent = await readAll(host, changes);
      for (const change of changes) await add(host, change);
      const present = await readAll(host, changes);
      const trusted = await Promise.all(databases.map((database) => trustOf(database)));
      const again = await planNssTrust(host, options);
      for (const change of changes) await remove(host, change);
      const removed = await Promise.all(databases.map((database) => trustOf(database)));
      for (const change of changes) await remove(host, change);

      assert.deepEqual(
        changes.map(({ place }) => place.kind === 'store' && place.label),
        databases.map((database) => `the NSS database ${database}`),
      );
      const each = <T>(value: T): readonly T[] => databases.map(() => value);
      assert.deepEqual(absent, each(undefined));
      assert.deepEqual(present, each(newer));
      assert.deepEqual(trusted, each(new Map([[nameOf(newer), 'C,,']])));
      assert.deepEqual(again, { kind: 'planned', changes: [] });
      assert.deepEqual(removed, each(new Map()));
    });

    test('authorities of the same name are told apart', async (t) => {
      const { home, host, options } = await makeHome(t, older);
      const database = join(home, '.pki/nssdb');
      await makeDatabase(database);
      const [first] = changesOf(await planNssTrust(host, options));
      await add(host, first);
      await writeFile(options.authorityFile, newer);
      const [second] = changesOf(await planNssTrust(host, { ...options, authority: newer }));
      await add(host, second);

      const both = await readAll(host, [first, second]);
      await remove(host, second);
      const one = await readAll(host, [first, second]);

      assert.deepEqual(both, [older, newer]);
      assert.deepEqual(one, [older, undefined]);
      assert.deepEqual(await trustOf(database), new Map([[nameOf(older), 'C,,']]));
    });

    test('a certificate that is there without trust is trusted under its name, then removed', async (t) => {
      const { home, host, options } = await makeHome(t, newer);
      const database = join(home, '.pki/nssdb');
      await makeDatabase(database);
      const byHand = ['-A', '-d', `sql:${database}`, '-t', ',,', '-n', 'My "own" CA [1]', '-a'];
      await succeed('certutil', byHand, { input: newer });

      const [change] = changesOf(await planNssTrust(host, options));
      const absent = await readAll(host, [change]);
      await add(host, change);
      const trusted = await trustOf(database);
      const present = await readAll(host, [change]);
      await remove(host, change);

      assert.deepEqual([absent, present], [[undefined], [newer]]);
      assert.deepEqual(trusted, new Map([['My "own" CA [1]', 'C,,']]));
      assert.deepEqual(await trustOf(database), new Map());
    });

    test('where a primary password keeps the trust from being set, removing leaves nothing', async (t) => {
      const { home, host, options } = await makeHome(t, newer);
      const database = join(home, '.mozilla/firefox/a1.default');
      await makeDatabase(database, 'primary password');

      const [change] = changesOf(await planNssTrust(host, options));
      assert.ok(change !== undefined);
      const added = await act(host, storeOf(change).add, bytesAfter(change), 'may fail');
      const half = await trustOf(database);
      const read = await readAll(host, [change]);
      await remove(host, change);

      assert.notEqual(added.code, 0);
      assert.deepEqual(half, new Map([[nameOf(newer), ',,']]));
      assert.deepEqual(read, [undefined]);
      assert.deepEqual(await trustOf(database), new Map());
    });

    test('removing is fine when the profile is gone, and fails when the database cannot be read', async (t) => {
      const { home, host, options } = await makeHome(t, newer);
      const database = join(home, '.pki/nssdb');
      await makeDatabase(database);
      const [change] = changesOf(await planNssTrust(host, options));
      await writeFile(join(database, 'cert9.db'), 'damaged');

      const damaged = await act(host, storeOf(change).remove, undefined, 'may fail');
      await rm(database, { recursive: true });
      const gone = await act(host, storeOf(change).remove);

      assert.notEqual(damaged.code, 0);
      assert.equal(gone.code, 0);
      assert.deepEqual(await readdir(join(home, '.pki')), []);
    });

    test('the command for doing it by hand does the same', async (t) => {
      const { home, host, options } = await makeHome(t, newer);
      await makeDatabase(join(home, ".mozilla/firefox/b2.my profile's"));

      const changes = changesOf(await planNssTrust(host, options));
      for (const command of changes.flatMap(({ manual }) => manual)) await succeed('sh', ['-c', command]);

      assert.deepEqual(await readAll(host, changes), [newer]);
    });
  });
}

/**
 * Answers true in a process that has Debian's folders for itself: copies that vanish with the mount namespace. Outside
 * it runs this file in there, takes over its exit code and answers false.
 */
async function isInsidePrivateStore(): Promise<boolean> {
  if (process.env['BERTH_PRIVATE_STORE'] !== undefined) return true;
  const options = needs('root', 'openssl', 'curl', 'unshare', 'update-ca-certificates');
  if (options.skip !== undefined) {
    test('trust stores of the system', options);
    return false;
  }
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-private-store-'));
  // The hooks of other packages (Java's) write elsewhere, and take seconds.
  const script = `set -e
    mount -n -t tmpfs tmpfs "$BERTH_PRIVATE_STORE"
    for folder in /etc/ssl ${anchors}; do
      mkdir -p "$BERTH_PRIVATE_STORE$folder"
      cp -a "$folder/." "$BERTH_PRIVATE_STORE$folder"
      mount -n --bind "$BERTH_PRIVATE_STORE$folder" "$folder"
    done
    [ ! -d /etc/ca-certificates/update.d ] || mount -n -t tmpfs tmpfs /etc/ca-certificates/update.d
    exec "$@"`;
  const command = ['sh', '-c', script, 'sh', process.execPath, ...process.execArgv, import.meta.filename];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', ...command], {
    env: { ...process.env, BERTH_PRIVATE_STORE: folder.path },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'close');
  process.exitCode = typeof code === 'number' ? code : 1;
  return false;
}

/** How clients that know the store of the system alone end at the registry. */
async function tryClients({ url, address }: TestRegistry) {
  const [curl, openssl, node] = await Promise.all([
    run('curl', ['--silent', '--show-error', '--output', '/dev/null', `${url}/v2/`]),
    run('openssl', ['s_client', '-connect', address, '-CAfile', bundle, '-verify_return_error', '-brief']),
    handshake(address),
  ]);
  return { curl: curl.code, openssl: openssl.code, node };
}

async function handshake(address: string): Promise<string> {
  const { hostname: host, port } = new URL(`https://${address}`);
  const socket = connect({ host, port: Number(port), ca: await readFile(bundle), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.destroy();
  return socket.authorized ? 'authorized' : String(socket.authorizationError);
}

/** The names in a folder, where links lead, and whether what they lead to is there. */
async function listLinks(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (!entry.isSymbolicLink()) return entry.name;
    const end = await stat(path).then(
      () => '',
      () => ' (dangling)',
    );
    return `${entry.name} -> ${await readlink(path)}${end}`;
  });
  return (await Promise.all(lines)).toSorted();
}

/** A HOME without any database, and what shall be trusted there. */
async function makeHome(t: TestContext, authority: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-nss-'));
  t.after(() => folder.remove());
  const authorityFile = join(folder.path, 'ca.crt');
  await writeFile(authorityFile, authority);
  const home = join(folder.path, 'home');
  const host = thisHost(childEnv({ HOME: home }));
  return { home, host, options: { authority, authorityFile, address: 'desk:5443' } };
}

async function makeDatabase(folder: string, password?: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (password === undefined) {
    await succeed('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password']);
  } else {
    const file = join(folder, 'password');
    await writeFile(file, password);
    await succeed('certutil', ['-N', '-d', `sql:${folder}`, '-f', file]);
  }
}

/** Names and trust of all certificates in a database, as certutil lists them. */
async function trustOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const listed = await succeed('certutil', ['-L', '-d', `sql:${folder}`]);
  const rows = listed.matchAll(/^(\S.*?) +([a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*) *$/gm);
  return new Map([...rows].map(([, name = '', trust = '']) => [name, trust]));
}

function nameOf(authority: string): string {
  return `Berth CA ${sha256(new X509Certificate(authority).raw).slice(0, 8)}`;
}

function changesOf(plan: NssPlan): readonly Change[] {
  assert.ok(plan.kind === 'planned');
  return plan.changes;
}

function storeOf(change: Change | undefined) {
  assert.ok(change?.place.kind === 'store');
  return change.place;
}

/** What each change finds in its place, in Node's spelling. */
async function readAll(host: Host, changes: readonly (Change | undefined)[]) {
  const found: (string | undefined)[] = [];
  for (const change of changes) {
    const { code, stdout } = await act(host, storeOf(change).read, undefined, 'may fail');
    found.push(code === 0 && stdout !== '' ? new X509Certificate(stdout).toString() : undefined);
  }
  return found;
}

async function add(host: Host, change: Change | undefined): Promise<void> {
  assert.ok(change !== undefined);
  await act(host, storeOf(change).add, bytesAfter(change));
}

async function remove(host: Host, change: Change | undefined): Promise<void> {
  await act(host, storeOf(change).remove);
}

async function act(
  host: Host,
  [program = '', ...args]: readonly string[],
  input: Uint8Array = Buffer.alloc(0),
  outcome: 'must succeed' | 'may fail' = 'must succeed',
): Promise<RunResult> {
  const result = await host.run(program, args, { input });
  assert.ok(result !== undefined, `${program} is missing`);
  if (outcome === 'must succeed') assert.equal(result.code, 0, result.stderr);
  return result;
}
