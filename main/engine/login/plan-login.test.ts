import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bytesAfter } from '../change.ts';
import { type Host, thisHost } from '../host.ts';
import { type LoginPlan, type LoginRequest, planLogin, planLogout, runEngineLogin } from './plan-login.ts';

const address = 'localhost:5000';
const ours = { credHelpers: { [address]: 'berth' } };
const workingHelper = '#!/bin/sh\necho docker-credential-berth 1.2.3\n';
const options = { skip: process.platform === 'win32' ? 'its programs are scripts of a shell' : false };

interface Setup {
  /** Programs on the PATH: their text, or their name alone for one that ends with 0. */
  readonly programs?: Readonly<Record<string, string>>;
  /** `.local/bin` is on the PATH. */
  readonly ownFolder?: boolean;
  readonly config?: object;
  readonly podman?: object;
}

/** A home with its own programs, and no others on the PATH. */
async function makeHost({ programs = {}, ownFolder = false, config, podman }: Setup) {
  const home = await mkdtempDisposable(join(tmpdir(), 'berth-plan-login-'));
  const bin = join(home.path, 'programs');
  await mkdir(bin);
  const files = {
    '.docker/config.json': config && JSON.stringify(config),
    'run/containers/auth.json': podman && JSON.stringify(podman),
  };
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) continue;
    await mkdir(dirname(join(home.path, path)), { recursive: true });
    await writeFile(join(home.path, path), text);
  }
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), text === '' ? '#!/bin/sh\n' : text, { mode: 0o755 });
  }
  const folders = ownFolder ? [bin, join(home.path, '.local/bin')] : [bin];
  const env = { HOME: home.path, PATH: folders.join(':'), XDG_RUNTIME_DIR: join(home.path, 'run') };
  const host: Host = { ...thisHost(env), platform: 'linux' };
  return { host, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

function request(more: Partial<LoginRequest> = {}): LoginRequest {
  return { address, user: 'dev', helperCommand: ['/opt/node', '/opt/helper.mjs'], ...more };
}

/** What the changes of a plan are, by the end of their path. */
function changesOf({ plan }: Pick<LoginPlan, 'plan'>): readonly string[] {
  return plan.changes.map(({ place }) => (place.kind === 'file' ? (place.path.split('/').at(-1) ?? '') : ''));
}

const shim = 'docker-credential-berth';
const entry = 'config.json';
const docker = { docker: '' };
const desktop = { docker: '', 'docker-credential-desktop': '' };

const cases: readonly {
  readonly name: string;
  readonly setup: Setup;
  readonly asked?: Partial<LoginRequest>;
  readonly store: string;
  readonly client?: string;
  readonly changes: readonly string[];
  readonly effect: RegExp;
}[] = [
  {
    name: 'the helper, with its script and its entry',
    setup: { programs: docker, ownFolder: true },
    store: 'helper',
    changes: [shim, entry],
    effect: /The login lies in .*\/\.config\/berth\/logins\.json, which only you can read\./,
  },
  {
    name: 'the helper, with nothing to change the second time',
    setup: { programs: { docker: '', [shim]: workingHelper }, config: ours },
    store: 'helper',
    changes: [],
    effect: /which only you can read/,
  },
  {
    name: 'the helper without any engine: other clients read config.json too',
    setup: { ownFolder: true },
    store: 'helper',
    changes: [shim, entry],
    effect: /which only you can read/,
  },
  {
    name: "Docker's own store where it has one",
    setup: { programs: desktop, ownFolder: true, config: { credsStore: 'desktop' } },
    store: 'engine',
    client: 'docker',
    changes: [],
    effect: /^Docker keeps the login in its credential store, docker-credential-desktop\.$/,
  },
  {
    name: 'the helper of the user for this address',
    setup: {
      programs: { docker: '', 'docker-credential-pass': '' },
      ownFolder: true,
      config: { credHelpers: { [address]: 'pass' } },
    },
    store: 'engine',
    client: 'docker',
    changes: [],
    effect: /^Docker keeps the login in its credential store, docker-credential-pass\.$/,
  },
  {
    name: 'the helper where the store that config.json names is gone',
    setup: { programs: docker, ownFolder: true, config: { credsStore: 'desktop' } },
    store: 'helper',
    changes: [shim, entry],
    effect: /which only you can read/,
  },
  {
    name: 'the helper for Podman, which knows no global store',
    setup: { programs: { ...desktop, podman: '' }, ownFolder: true, config: { credsStore: 'desktop' } },
    asked: { engine: 'podman' },
    store: 'helper',
    changes: [shim, entry],
    effect: /which only you can read/,
  },
  {
    name: 'the helper again where it was chosen before, beside a store',
    setup: {
      programs: { ...desktop, [shim]: workingHelper },
      config: { ...ours, credsStore: 'desktop' },
    },
    store: 'helper',
    changes: [],
    effect: /which only you can read/,
  },
  {
    name: 'docker login where nobody would find the helper, and it says that the password is readable',
    setup: { programs: docker },
    store: 'engine',
    client: 'docker',
    changes: [],
    effect:
      /^Docker keeps the password readable \(base64\) in .*config\.json: .*\nClients would not find the helper of Berth, .*: neither is it on the PATH /,
  },
  {
    name: 'podman login where there is no Docker',
    setup: { programs: { podman: '' } },
    store: 'engine',
    client: 'podman',
    changes: [],
    effect: /^Podman keeps the password readable \(base64\) in .*\/run\/containers\/auth\.json: /,
  },
  {
    name: 'docker login because the person says so, after taking our entry out',
    setup: { programs: docker, ownFolder: true, config: ours },
    asked: { store: 'engine' },
    store: 'engine',
    client: 'docker',
    changes: [entry],
    effect: /^Docker keeps the password readable \(base64\) in [^\n]*$/,
  },
  {
    name: 'the helper because the person says so, beside a store',
    setup: { programs: desktop, ownFolder: true, config: { credsStore: 'desktop' } },
    asked: { store: 'helper' },
    store: 'helper',
    changes: [shim, entry],
    effect: /which only you can read/,
  },
];
for (const { name, setup, asked, store, client, changes, effect } of cases) {
  test(`the login is kept by ${name}`, options, async () => {
    await using made = await makeHost(setup);

    const planned = await planLogin(made.host, request(asked));

    assert.deepEqual(
      [planned.store, planned.store === 'engine' ? planned.client : undefined, changesOf(planned)],
      [store, client, changes],
    );
    assert.match(planned.plan.effects.join('\n'), effect);
  });
}

for (const { name, setup, asked, message } of [
  {
    name: 'the helper is asked for and cannot be found',
    setup: { programs: docker },
    asked: { store: 'helper' },
    message: /^Clients would not find docker-credential-berth: neither /,
  },
  { name: 'there is no client at all', setup: {}, asked: {}, message: /^There is no docker on the PATH/ },
  {
    name: 'the client of the engine is not there',
    setup: { programs: docker },
    asked: { engine: 'podman' },
    message: /^There is no podman on the PATH/,
  },
] as const) {
  test(`no plan: ${name}`, options, async () => {
    await using made = await makeHost(setup);

    await assert.rejects(() => planLogin(made.host, request(asked)), {
      name: 'AppError',
      code: 'LOGIN_FAILED',
      message,
    });
  });
}

test('a readable password in config.json and a login that Podman prefers are reported', options, async () => {
  await using made = await makeHost({
    programs: docker,
    ownFolder: true,
    config: { auths: { [`https://${address}`]: { auth: 'YTpi' } } },
    podman: { auths: { [address]: { auth: 'YTpi' } } },
  });
  const podmanFile = join(made.host.home, 'run/containers/auth.json');

  const { readableKeys, hiding, plan } = await planLogin(made.host, request());

  assert.deepEqual(readableKeys, [`https://${address}`]);
  assert.deepEqual(hiding, [{ file: podmanFile, keys: [address] }]);
  const effects = plan.effects.join('\n');
  assert.match(
    effects,
    /An older password for localhost:5000 stays in .*docker logout https:\/\/localhost:5000 /,
  );
  assert.ok(effects.includes(`podman logout --authfile ${podmanFile} ${address}`), effects);
});

/** A client that writes down how it was called, and says what it is told to. */
function recorder(lines: readonly string[]): string {
  return ['#!/bin/sh', 'echo "$*" > "$HOME/args"', '/bin/cat > "$HOME/input"', ...lines, ''].join('\n');
}

const login = { engine: 'docker', address, user: '-dev', secret: 'correct horse' } as const;
const encodedLogin = Buffer.from(`${login.user}:${login.secret}`).toString('base64');

test('the engine gets the secret on standard input, never as an argument', options, async () => {
  const text = recorder([
    "echo 'WARNING! Your credentials are stored unencrypted' >&2",
    'echo Login Succeeded',
  ]);
  await using made = await makeHost({ programs: { docker: text } });

  const said = await runEngineLogin(made.host, login);

  assert.equal(said, 'Login Succeeded');
  assert.equal(
    await readFile(join(made.host.home, 'args'), 'utf8'),
    'login --username=-dev --password-stdin localhost:5000\n',
  );
  assert.equal(await readFile(join(made.host.home, 'input'), 'utf8'), 'correct horse');
});

for (const { name, lines, message, hint } of [
  {
    name: 'what it said, without the secret',
    lines: ["echo 'denied: correct horse is wrong' >&2", `echo '${encodedLogin}' >&2`, 'exit 1'],
    message: 'docker login failed: denied: *** is wrong\n***',
    hint: /^Check the user/,
  },
  {
    name: 'its exit code when it says nothing',
    lines: ['exit 3'],
    message: 'docker login failed: it ended with 3',
    hint: /^Check the user/,
  },
  {
    name: 'that the engine does not trust the registry',
    lines: ["echo 'x509: certificate signed by unknown authority' >&2", 'exit 1'],
    message: 'docker login failed: x509: certificate signed by unknown authority',
    hint: /berth trust$/,
  },
]) {
  test(`a login that fails tells ${name}`, options, async () => {
    await using made = await makeHost({ programs: { docker: recorder(lines) } });

    await assert.rejects(
      () => runEngineLogin(made.host, login),
      (error: Error) => {
        assert.deepEqual([Reflect.get(error, 'code'), error.message], ['LOGIN_FAILED', message]);
        assert.match(String(Reflect.get(error, 'hint')), hint);
        return true;
      },
    );
  });
}

test('a login with a client that is not there fails', options, async () => {
  await using made = await makeHost({});

  await assert.rejects(() => runEngineLogin(made.host, login), { code: 'LOGIN_FAILED' });
});

for (const { name, config, podman, after, commands } of [
  {
    name: 'our entry goes, the login that docker stored through it needs no command',
    config: { ...ours, auths: { [address]: {} } },
    after: { auths: { [address]: {} } },
    commands: [],
  },
  {
    name: 'a login in the store of Docker needs docker logout',
    config: { credsStore: 'desktop', auths: { [address]: {} } },
    commands: [['docker', 'logout', address]],
  },
  {
    name: 'readable passwords need docker logout, as they are spelled',
    config: { ...ours, auths: { [`https://${address}/v2/`]: { auth: 'YTpi' } } },
    after: { auths: { [`https://${address}/v2/`]: { auth: 'YTpi' } } },
    commands: [['docker', 'logout', `https://${address}/v2/`]],
  },
  {
    name: 'a login of Podman needs podman logout',
    podman: { auths: { [address]: { auth: 'YTpi' } } },
    commands: [['podman', 'logout', address]],
  },
  {
    name: 'the helper of somebody else stays',
    config: { credHelpers: { [address]: 'pass' } },
    commands: [],
  },
  { name: 'there is nothing to do where nothing is', commands: [] },
]) {
  test(`logging out: ${name}`, options, async () => {
    await using made = await makeHost({
      ...(config === undefined ? {} : { config }),
      ...(podman === undefined ? {} : { podman }),
    });

    const planned = await planLogout(made.host, { address });

    const [change, ...more] = planned.plan.changes;
    assert.deepEqual(more, []);
    assert.deepEqual(change && JSON.parse(bytesAfter(change).toString('utf8')), after);
    assert.deepEqual(planned.commands, commands);
  });
}
