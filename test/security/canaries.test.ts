/**
 * Secrets that are easy to find again, handed to every part that has to do with some, at level trace; then everything is
 * searched for them that somebody may read: logs, exports, reports, settings, arguments and environments of processes.
 * FORGED_LINES: texts that look like lines of the log.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import { cli } from '../support/cli.ts';
import { needsDesktop, startDesktop } from '../support/desktop.ts';
import { onlyStandIn, push, running, until } from '../support/desktop-acts.ts';
import { askDoor, logIn, postLogin } from '../support/door.ts';
import { request } from '../support/http.ts';
import { run } from '../support/process.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { digestOf, openUpload, pushImage, sender } from '../wire/support.ts';

const forgedLines = Number(process.env['FORGED_LINES'] ?? 200);
const onLinux = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** A text that is nowhere else, of letters that every form keeps. */
const canary = (): string => `zQ${randomBytes(12).toString('hex')}`;

/** A text as it may be written: as it is, in base64 at any place, in percent signs, in hexadecimal. */
function formsOf(secret: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64');
    // The ends depend on what stands around it.
    return text.slice(offset === 0 ? 0 : 4, -4);
  });
  return [secret, ...inBase64, Buffer.from(secret).toString('hex')];
}

interface Found {
  readonly where: string;
  readonly what: string;
}

/** Where a secret is among texts that may not hold it. */
function findIn(texts: ReadonlyMap<string, string>, secrets: ReadonlyMap<string, string>): readonly Found[] {
  return [...texts].flatMap(([where, text]) =>
    [...secrets].flatMap(([what, secret]) =>
      formsOf(secret).some((form) => text.includes(form)) ? [{ where, what }] : [],
    ),
  );
}

/** Notes arguments and environments of every process below this one, for as long as it is not disposed. */
function watchProcesses(): Disposable & { readonly seen: () => ReadonlyMap<string, string> } {
  const seen = new Map<string, string>();
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      for (const pid of await readdir('/proc')) {
        if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
        const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
        // Only those that this test has started, and what they start.
        if (!environment.includes(mark)) continue;
        const args = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
        seen.set(`arguments of ${args.replaceAll('\0', ' ').slice(0, 200)}`, args);
        seen.set(`environment of ${args.replaceAll('\0', ' ').slice(0, 200)}`, environment);
      }
      await delay(20);
    }
  };
  void look();
  return { seen: () => seen, [Symbol.dispose]: () => over.abort() };
}

const mark = `CANARY_TEST=${randomBytes(8).toString('hex')}`;
const markEnv = Object.fromEntries([mark.split('=', 2)]) as Readonly<Record<string, string>>;

/** Files of a directory as text, by their path. */
async function filesBelow(root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(root.length + 1), await readFile(path, 'latin1'));
  }
  return files;
}

test(
  'no secret is in a log, an export, a report, a setting, an argument or an environment',
  onLinux,
  async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-canaries-'));
    const dataDir = directory.path;
    const secrets = new Map<string, string>();
    const secret = (what: string): string => {
      const text = canary();
      secrets.set(what, text);
      return text;
    };
    const berth = async (input: string, ...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await run(process.execPath, [cli, ...args, '--data', dataDir], {
        input,
        env: { ...markEnv, HOME: dataDir },
      });
      return stdout + stderr;
    };
    using processes = watchProcesses();
    const said = new Map<string, string>();
    const note = async (where: string, text: Promise<string>): Promise<void> =>
      void said.set(where, await text);
    const password = secret('a password');
    await note('user add', berth(password, 'user', 'add', 'dev', '--role', 'admin', '--password-stdin'));
    await note(
      'config set',
      berth(secret('the secret of the registry'), 'config', 'set', 'http.secret', '--stdin'),
    );
    await using receiver = await startReceiver();
    const env = { ...markEnv, BERTH_WEB_ENABLED: 'true', BERTH_NOTIFICATIONS_PRIVATETARGETS: '[127.0.0.1]' };
    await using registry = await startRegistry({
      dataDir,
      auth: 'htpasswd',
      env,
      args: ['--log-level', 'trace'],
    });

    await note('user passwd', berth(secret('a new password'), 'user', 'passwd', 'dev', '--password-stdin'));
    const current = secrets.get('a new password') ?? '';
    using client = await openClient(dataDir);
    await client.call('webhooks.set', {
      name: 'ci',
      url: `${receiver.url}?key=${secret('the key of a webhook')}`,
      secret: secret('the secret of a webhook'),
      headers: { authorization: [secret('the login of a webhook')] },
    });
    const made = await berth(
      '',
      'token',
      'create',
      '--user',
      'dev',
      '--label',
      'x',
      '--scope',
      'pull',
      '--json',
    );
    const token = (JSON.parse(made) as { readonly token: string }).token;
    secrets.set('a personal token', token.slice(-43));
    const bearer = await useSecrets(registry, { dev: `dev:${current}`, token, secret });
    secrets.set('a Bearer token', bearer);
    secrets.set(
      'what a login hashes to',
      /^dev:\$2.\$\d\d\$(.{30})/m.exec(await readFile(join(dataDir, 'berth/users'), 'utf8'))?.[1] ?? '',
    );

    for (const [where, args] of Object.entries({
      'the log': ['logs', '--level', 'trace'],
      'the activity': ['activity', '--json'],
      'the settings': ['config', 'print'],
      'an export of settings': ['config', 'export'],
      'an export of settings as variables': ['config', 'export', '--env'],
      'the report of the doctor': ['doctor', '--json'],
      'the webhooks': ['webhook', 'ls', '--json'],
      'the tokens': ['token', 'ls', '--json'],
      'the users': ['user', 'ls', '--json'],
      'the state': ['status', '--json'],
      'what to type for clients': ['connect', 'docker'],
      'a setting': ['config', 'get', 'http.secret'],
      'the cards': ['activity', '--cards'],
    }))
      await note(where, berth('', ...args));
    said.set('what the registry has printed', registry.log());
    said.set('the feed', JSON.stringify(await client.call('audit.list', {})));
    said.set('settings of the window', JSON.stringify(await client.call('settings.form', {})));

    // Where they are kept, and nowhere else: the configuration, and what a webhook is called by.
    const kept = new Set(['berth/config.yml', 'berth/webhooks.json', 'berth/users']);
    for (const [path, text] of await filesBelow(dataDir)) if (!kept.has(path)) said.set(path, text);
    for (const [where, text] of processes.seen()) said.set(where, text);

    assert.deepEqual(findIn(said, secrets), []);
    assert.ok(processes.seen().size >= 20, `${processes.seen().size} seen`);
    assert.match(registry.log(), /level=debug|level=trace/);
    assert.match(said.get('the log') ?? '', /level=debug|level=trace/);
    // What is searched is found where it has to be.
    const settings = new Map([['config.yml', await readFile(join(dataDir, 'berth/config.yml'), 'utf8')]]);
    assert.deepEqual(findIn(settings, secrets), [
      { where: 'config.yml', what: 'the secret of the registry' },
    ]);
    t.diagnostic(
      `${secrets.size} secrets, ${said.size} places, ${processes.seen().size} of them arguments and environments: 0 found`,
    );
  },
);

test(
  'no secret is in the preferences of the desktop app, its other files, its log, arguments or environments',
  { ...needsDesktop(), ...onlyStandIn },
  async (t) => {
    using processes = watchProcesses();
    await using desktop = await startDesktop({ isFirstRun: true, env: markEnv });
    const page = await desktop.openPage();
    await running(page);
    const [, password = ''] = (await desktop.user()).split(':', 2);
    const setup = page.getByRole('region', { name: 'Your registry is running' });
    await setup.getByRole('button', { name: 'Reveal the password' }).press('Enter');
    await setup.getByText(password, { exact: true }).waitFor();
    await push(desktop, 'team/app');
    // The first push ends the set-up, which is written down.
    const preferences = join(desktop.userData, 'preferences.json');
    await until(async () => (await readFile(preferences, 'utf8')).includes('isSetUp'));
    const users = await readFile(join(desktop.dataDir, 'berth', 'users'), 'utf8');
    const secrets = new Map([
      ['the first password', password],
      ['what it hashes to', /^dev:\$2.\$\d\d\$(.{30})/m.exec(users)?.[1] ?? ''],
    ]);

    const files = await filesBelow(desktop.userData);
    const said = new Map([...files, ...processes.seen(), ['the log', desktop.log()]]);

    assert.ok(files.has('preferences.json') && processes.seen().size >= 4, [...said.keys()].join('\n'));
    assert.deepEqual(findIn(said, secrets), []);
    // What is searched is found where it has to be.
    const kept = await filesBelow(join(desktop.dataDir, 'berth'));
    assert.deepEqual(
      new Set(findIn(kept, secrets).map(({ where }) => where)),
      new Set(['first-password', 'users']),
    );
    t.diagnostic(
      `the desktop app: ${secrets.size} secrets, ${files.size} files, ${processes.seen().size} arguments and environments: 0 found`,
    );
  },
);

/** Logs in every way, right and wrong, and answers a Bearer token. */
async function useSecrets(
  registry: TestRegistry,
  {
    dev,
    token,
    secret,
  }: { readonly dev: string; readonly token: string; readonly secret: (what: string) => string },
): Promise<string> {
  const send = sender(registry, dev);
  await pushImage(send, 'team/app', 'v');
  await sender(registry, `dev:${token}`)('GET', '/v2/team/app/manifests/v');
  const { token: bearer } = (
    await send('GET', `/token?service=${registry.address}&scope=repository:team/app:pull`)
  ).json() as { readonly token: string };
  await request(registry.plainUrl, {
    path: '/v2/team/app/tags/list',
    headers: { authorization: `Bearer ${bearer}` },
  });
  await sender(registry, `dev:${secret('a wrong password')}`)('GET', '/v2/');
  await sender(registry, `dev:berth_pat_aaaaaaaaaaaa_${secret('a wrong token')}${'a'.repeat(17)}`)(
    'GET',
    '/v2/',
  );
  await sender(registry)('POST', '/token', {
    body: `grant_type=password&username=dev&password=${secret('the password of a form')}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const location = await openUpload(send, 'team/app');
  const state = /_state=([\w-]+)/.exec(location)?.[1] ?? '';
  await send('PATCH', location, { body: 'x' });
  await sender(registry)('PATCH', location, { body: 'x' });
  await send('PUT', `${location}&digest=${digestOf('wrong')}`, { body: 'x' });
  const session = await logIn(registry, 'dev', dev.slice('dev:'.length));
  await askDoor(registry, 'GET', '/api/session', { session });
  await askDoor(registry, 'POST', '/api/logout', {
    session,
    headers: { 'x-berth-csrf': secret('a wrong csrf') },
  });
  await postLogin(registry, 'dev', secret('a wrong login of the window'));
  await request(registry.plainUrl, {
    path: `/v2/?token=${secret('a token of a query')}&password=${secret('a password of a query')}`,
  });
  await request(registry.plainUrl, {
    path: '/v2/',
    headers: {
      cookie: `x=${secret('a cookie')}`,
      'proxy-authorization': `Basic ${Buffer.from(`a:${secret('the login of a proxy')}`).toString('base64')}`,
    },
  });
  for (const [what, value] of Object.entries({
    cookie: session.cookie.split('=')[1],
    csrf: session.csrf,
    state: state.slice(0, 40),
  }))
    sessionSecrets.set(what, value ?? '');
  for (const [what, value] of sessionSecrets) assert.ok(value.length >= 40, what);
  assert.ok(
    ![...sessionSecrets.values()].some((value) => registry.log().includes(value)),
    'a secret of a session is in the log',
  );
  return bearer.split('.')[2] ?? bearer;
}

const sessionSecrets = new Map<string, string>();

/** What starts a line elsewhere, hides one, or paints over it. */
const tricks = [
  '\r\n',
  '\n',
  '\r',
  '\u0085',
  '\u2028',
  '\u2029',
  '\u001b[2K\u001b[1A',
  '\u001b]0;x\u0007',
  '\u0008\u0008',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u009b2J',
  '\u0000',
  '\ufeff',
  '\u{e0041}',
];

test('no text from outside begins a line of the log, nor paints over one', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-forged-'));
  const dataDir = directory.path;
  await using registry = await startRegistry({
    dataDir,
    auth: 'htpasswd',
    args: ['--log-level', 'trace'],
    users: { dev: { role: 'admin', password: 'long enough 1' } },
  });
  const send = sender(registry, 'dev:long enough 1');
  const line = 'time="2026-01-01T00:00:00.000Z" level=error msg=forged';
  for (let at = 0; at < forgedLines; at += 1) {
    const trick = tricks[at % tricks.length] ?? '';
    const text = `x${trick}${line} n=${at}`;
    const bytes = Buffer.from(text)
      .toString('latin1')
      .replaceAll(/[\r\n\0]/g, ' ');
    const encoded = encodeURIComponent(text);
    const ways = [
      () => send('GET', `/v2/${encoded}/tags/list`),
      () => send('GET', `/v2/team/app/manifests/${encoded}`),
      () => send('GET', `/v2/_catalog?last=${encoded}`),
      () => send('GET', '/v2/', { headers: { 'user-agent': bytes, referer: bytes } }),
      () => sender(registry, `${text}:x`)('GET', '/v2/'),
      () => send('GET', `/token?account=${encoded}&service=${encoded}&scope=repository:${encoded}:pull`),
      () =>
        send('PUT', '/v2/team/app/manifests/v', {
          body: `{"mediaType":${JSON.stringify(text)}}`,
          headers: { 'content-type': bytes },
        }),
      () => send('POST', `/v2/team/app/blobs/uploads/?digest=${encoded}&mount=${encoded}&from=${encoded}`),
      () =>
        send('GET', '/v2/', {
          headers: { host: `localhost:${registry.port}`, 'x-request-id': bytes, 'x-forwarded-for': bytes },
        }),
    ];
    // A client of Node refuses to send some of them: those come by the other ways.
    await (ways[at % ways.length] ?? ways[0])?.().catch(() => undefined);
  }
  await send('GET', '/v2/?last-of-all');
  while (!registry.log().includes('last-of-all')) await delay(20);

  const printed = registry.log();
  const shown = await run(process.execPath, [cli, 'logs', '--level', 'trace', '--data', dataDir]);
  for (const text of [printed, shown.stdout]) {
    assert.ok(text.includes('forged'), 'they are told of');
    assert.deepEqual(
      text.split('\n').filter((each) => /^\W*time="2026-01-01/.test(each)),
      [],
    );
    assert.deepEqual(text.match(/[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu) ?? [], []);
  }
  t.diagnostic(`${forgedLines} texts that look like lines: 0 lines forged, 0 control characters`);
});
