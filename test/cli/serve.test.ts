/** `berth serve` as a process: what it needs to start, what it says when it cannot, and how it follows changes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cli } from '../support/cli.ts';
import { request } from '../support/http.ts';
import { run } from '../support/process.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { freePort } from '../support/vitals.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-serve-'));
  t.after(() => directory.remove());
  return directory.path;
}

/** Starts what is expected to end by itself. */
function serve(dataDir: string, ...args: string[]) {
  return run(process.execPath, [cli, 'serve', '--data', dataDir, '--listen', '127.0.0.1:0', ...args], {
    timeoutMs: 30_000,
  });
}

test('a port that was asked for and is busy is refused with the process that has it; nothing stays behind', async (t) => {
  const dataDir = await temporary(t);
  const squatter = createServer().listen(0, '127.0.0.1');
  t.after(() => squatter.close());
  await once(squatter, 'listening');
  const address = squatter.address();
  const port = typeof address === 'object' ? address?.port : undefined;

  const { code, stderr } = await serve(dataDir, '--listen', `127.0.0.1:${port}`, '--first-run');

  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`PORT_BUSY: .*${port}.*pid ${process.pid}`));
  assert.deepEqual(
    (await readdir(join(dataDir, 'berth'))).filter((name) => /users|access\.json|password/.test(name)),
    [],
  );
});

test('a second registry on the same data is told who holds it', async (t) => {
  const dataDir = await temporary(t);
  await using first = await startRegistry({ dataDir });

  const { code, stderr } = await serve(dataDir, '--auth', 'none');

  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`DATA_LOCKED: .*${first.pid}`));
});

const broken: Readonly<Record<string, { file: string; text: string; says: RegExp; code: number }>> = {
  'a configuration that is no YAML': {
    file: 'config.yml',
    text: 'version: 0.1\nlog: {',
    says: /config\.yml:\d+:\d+/,
    code: 2,
  },
  'a configuration with a wrong value': {
    file: 'config.yml',
    text: 'version: 0.1\nlog:\n  level: loud\n',
    says: /config\.yml:3:\d+.*log\.level/s,
    code: 2,
  },
  'a configuration that asks for what is not there': {
    file: 'config.yml',
    text: 'version: 0.1\nstorage:\n  s3: {}\n',
    says: /config\.yml:3:\d+.*s3/s,
    code: 2,
  },
  'a user file with a broken line': {
    file: 'users',
    text: '# people\nanna:$2y$10$broken\n',
    says: /^USERS_INVALID: Line 2 .*users"/m,
    code: 2,
  },
  'an access file that is no JSON': { file: 'access.json', text: '{', says: /access\.json/, code: 2 },
  'an authority that is no certificate': { file: 'tls/ca.crt', text: 'nonsense', says: /ca\.crt/, code: 2 },
};
for (const [name, { file, text, says, code }] of Object.entries(broken)) {
  test(`${name} is named with its place, and left as it is`, async (t) => {
    const dataDir = await temporary(t);
    await mkdir(join(dataDir, 'berth/tls'), { recursive: true, mode: 0o700 });
    await chmod(join(dataDir, 'berth'), 0o700);
    if (file !== 'users') await berth(dataDir, 'user', 'add', 'anna', '--role', 'admin');
    const path = join(dataDir, 'berth', file);
    await writeFile(path, text, { mode: 0o600 });

    const result = await serve(dataDir);

    assert.match(result.stderr, says);
    assert.equal(result.code, code);
    assert.equal(await readFile(path, 'utf8'), text);
  });
}

test('without a terminal the first password goes into a file, not into the output', async (t) => {
  const dataDir = await temporary(t);
  await using registry = await startRegistry({ dataDir, auth: 'htpasswd' });

  const file = join(dataDir, 'berth/first-password');
  const password = (await readFile(file, 'utf8')).trim();
  const { status } = await request(registry.plainUrl, { path: '/v2/', user: `dev:${password}` });

  assert.equal(status, 200);
  assert.equal(password.length, 20);
  assert.ok(registry.log().includes(file));
  assert.ok(!registry.log().includes(password));
});

const windows: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly auth?: 'none';
  readonly isOn: boolean;
}[] = [
  { name: 'a first run', args: ['--first-run'], isOn: true },
  { name: 'another run', args: [], isOn: false },
  { name: 'a first run with auth: none', args: ['--first-run'], auth: 'none', isOn: false },
  {
    name: 'a first run where a variable says no',
    args: ['--first-run'],
    env: { BERTH_WEB_ENABLED: 'false' },
    isOn: false,
  },
  {
    name: 'a first run where the file says no',
    args: ['--first-run'],
    file: 'berth: {web: {enabled: false}}\n',
    isOn: false,
  },
  {
    name: 'another run where the file says yes',
    args: [],
    file: 'berth: {web: {enabled: true}}\n',
    isOn: true,
  },
];
for (const { name, args, env = {}, file, auth = 'htpasswd', isOn } of windows) {
  test(`${name} has the window for browsers switched ${isOn ? 'on' : 'off'}`, async (t) => {
    const dataDir = await temporary(t);
    await mkdir(join(dataDir, 'berth'), { mode: 0o700 });
    if (file !== undefined) await writeFile(join(dataDir, 'berth/config.yml'), file, { mode: 0o600 });
    await using registry = await startRegistry({ dataDir, auth, args, env });
    const url = `https://localhost:${registry.port}/ui/`;

    const status = JSON.parse(await berth(dataDir, 'status', '--json')) as { readonly ui?: string };
    const session = await request(registry.url, {
      path: '/api/session',
      ca: registry.ca,
      headers: { host: registry.address },
    });

    assert.deepEqual([status.ui, session.status], isOn ? [url, 401] : [undefined, 404]);
    const shown = `  Window: ${url}\n          Browsers do not know its certificate, and ask about it once.\n`;
    assert.equal(registry.log().includes(shown), isOn);
  });
}

test('what a first run switches on can be switched off, and stays so', async (t) => {
  const dataDir = await temporary(t);
  const start = () => startRegistry({ dataDir, auth: 'htpasswd', args: ['--first-run'] });
  const first = await start();
  await berth(dataDir, 'config', 'set', 'berth.web.enabled', 'false');
  await first.stop();

  await using second = await start();

  const status = JSON.parse(await berth(dataDir, 'status', '--json')) as { readonly ui?: string };
  assert.deepEqual([status.ui, second.log().includes('Window:')], [undefined, false]);
});

test('SIGHUP reads the levels of the log again, and a broken file leaves them', async (t) => {
  const dataDir = await temporary(t);
  await using registry = await startRegistry({ dataDir });
  const config = join(dataDir, 'berth/config.yml');
  const storageLines = async (): Promise<number> => {
    const before = registry.log().length;
    await request(registry.plainUrl, { path: '/v2/a/manifests/b' });
    // Its lines are written after the answer, that of the access log last.
    do await delay(5);
    while (!registry.log().slice(before).includes('"GET /v2/a/manifests/b '));
    // Of this request: the index reads the storage as well, when it likes.
    const own = /filesystem\.\w+\(\\"\/docker\/registry\/v2\/repositories\/a\//g;
    return registry.log().slice(before).match(own)?.length ?? 0;
  };
  const reload = async (text: string, said: RegExp): Promise<void> => {
    const before = registry.log().length;
    await writeFile(config, text, { mode: 0o600 });
    process.kill(registry.pid, 'SIGHUP');
    while (!said.test(registry.log().slice(before))) await delay(5);
  };

  const quiet = await storageLines();
  await reload('version: 0.1\nberth:\n  log:\n    levels: { driver: debug }\n', /event=levelsChanged/);
  const loud = await storageLines();
  await reload('version: 0.1\nlog: {', /event=reloadFailed/);
  const still = await storageLines();
  await reload('version: 0.1\nberth:\n  log:\n    levels: { driver: info }\n', /event=levelsChanged/);

  assert.equal(quiet, 0);
  assert.ok(loud > 0 && still === loud, `${loud}, then ${still}`);
  assert.equal(await storageLines(), 0);
});

test('the debug listener has health and, switched on, metrics that count requests', async (t) => {
  const dataDir = await temporary(t);
  const port = await freePort();
  await using registry = await startRegistry({
    dataDir,
    env: { REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${port}`, REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: 'true' },
  });
  await request(registry.plainUrl, { path: '/v2/' });
  await request(registry.plainUrl, { method: 'POST', path: '/v2/a/blobs/uploads/' });
  const debug = `http://127.0.0.1:${port}`;

  const [health, metrics, there] = await Promise.all([
    request(debug, { path: '/debug/health' }),
    request(debug, { path: '/metrics' }),
    request(registry.plainUrl, { path: '/metrics' }),
  ]);

  assert.deepEqual([health.status, there.status], [200, 404]);
  assert.match(
    String(metrics.body),
    /registry_http_requests_total\{code="200",handler="base",method="get"\} 1/,
  );
});
