/** Settings that are changed while a registry runs: what is in force at once, what waits, what is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { mkdir, mkdtempDisposable, readFile, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { openClient, type AdminClient } from '../../registry/cli/client.ts';
import { supportedFields, valueAt } from '../../registry/config/fields.ts';
import { loadConfig } from '../../registry/config/load.ts';
import { berthOn } from '../support/berth.ts';
import { askDoor, logIn } from '../support/door.ts';
import { type Answer, openRaw, request, type RequestOptions } from '../support/http.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const user = 'boss:correct horse';
const users = { boss: { role: 'admin', password: 'correct horse' } } as const;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const gone = { mediaType: 'application/vnd.test', digest: `sha256:${'0'.repeat(64)}`, size: 1 };
const everywhere = { mediaType: 'application/vnd.test', size: 2, digest: digestOf('{}') };

/** More than the kernel keeps of a connection. */
const bigBytes = 48 * 2 ** 20;

type Changes = Readonly<Record<string, unknown>>;

interface Row {
  /** Set before the first look. */
  readonly prelude?: Changes;
  readonly value: unknown;
  /** What somebody sees from outside. */
  readonly see: () => Promise<unknown>;
  /** What is seen before the change; left out where nothing could be seen in the time of a test. */
  readonly before?: unknown;
  readonly after: unknown;
}

suite('each setting that needs no restart is in force at once', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let client: AdminClient;
  let receiver: Receiver;
  let marks = 0;
  before(async () => {
    receiver = resources.use(await startReceiver());
    registry = resources.use(
      await startRegistry({ auth: 'htpasswd', users, env: { BERTH_WEB_ENABLED: 'true' } }),
    );
    client = resources.use(await openClient(registry.dataDir));
    for (const name of ['live/one', 'live/two']) {
      await pushBlob(name, '{}');
      for (const tag of ['v1', 'v2']) await pushManifest({ name, tag });
    }
    await pushManifest({ name: 'live/one', tag: digestOf(manifestOf({ note: 'no tag' })), note: 'no tag' });
    await pushBlob('live/big', Buffer.alloc(bigBytes));
    await client.call('tags.delete', { repository: 'live/two', tag: 'v2' });
  });
  after(() => resources.disposeAsync());

  const send = (method: string, path: string, options: RequestOptions = {}): Promise<Answer> =>
    request(registry.url, { method, path, ca: registry.ca, user, ...options });
  const statusOf = async (...args: Parameters<typeof send>): Promise<number> => (await send(...args)).status;

  async function pushBlob(name: string, bytes: string | Buffer): Promise<void> {
    const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(bytes)}`;
    const headers = { 'content-type': 'application/octet-stream' };
    assert.equal(await statusOf('POST', path, { body: bytes, headers }), 201);
  }

  function pushManifest({ name = 'live/one', tag = 'x', ...parts }: ManifestParts = {}): Promise<number> {
    const headers = { 'content-type': manifestType };
    return statusOf('PUT', `/v2/${name}/manifests/${tag}`, { body: manifestOf(parts), headers });
  }

  function pushIndex(): Promise<number> {
    const manifests = [
      { ...gone, mediaType: manifestType, platform: { os: 'linux', architecture: 'amd64' } },
    ];
    const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
    return statusOf('PUT', '/v2/live/one/manifests/index', { body, headers: { 'content-type': indexType } });
  }

  const startUpload = (): Promise<Answer> => send('POST', '/v2/live/one/blobs/uploads/');

  const levelOf = async (sys: string): Promise<unknown> => (await client.call('logs.levels', {}))[sys];

  /** Whether the log says something from here on, as far as a few round trips show. */
  function hears(event: string): () => Promise<boolean> {
    let from = registry.log().length;
    return async () => {
      for (let trips = 0; trips < 3; trips++) await client.call('logs.levels', {});
      const heard = registry.log().slice(from).includes(`event=${event}`);
      from = registry.log().length;
      return heard;
    };
  }

  /** How a request is written to the access log. */
  async function accessLineKind(): Promise<string> {
    const [mark, next] = [`/v2/?mark=${++marks}-`, `/v2/?mark=${++marks}-`];
    await send('GET', mark);
    await send('GET', next);
    while (!new RegExp(`^time=.*${next.replace('?', '\\?')}`, 'm').test(registry.log())) await delay(5);
    // Entries are gathered for a while, and come by another pipe than the lines.
    await delay(100);
    const [line = 'none'] = registry
      .log()
      .split('\n')
      .filter((each) => each.includes(mark) && !each.startsWith('time='));
    return line === 'none' ? line : line.startsWith('{') ? 'json' : 'combined';
  }

  /** A body that stops after its first byte is cut. */
  async function silentBodyIsCut(): Promise<boolean> {
    await using raw = await openRaw(registry.host, registry.port, { ca: registry.ca, timeoutMs: 8000 });
    const authorization = `Basic ${Buffer.from(user).toString('base64')}`;
    raw.send(
      [
        `POST /v2/live/one/blobs/uploads/?digest=${digestOf('0123456789')} HTTP/1.1`,
        `Host: ${registry.address}`,
        `Authorization: ${authorization}`,
        'Content-Length: 10',
        '',
        '0',
      ].join('\r\n'),
    );
    return await raw.receiveAll().then(
      () => true,
      () => false,
    );
  }

  /** A client that reads nothing of a large answer is cut. */
  async function silentReaderIsCut(): Promise<boolean> {
    const mark = `cut=${++marks}`;
    const isCut = (): boolean =>
      registry
        .log()
        .split('\n')
        .some((line) => line.includes(mark) && /event=request(?:Cut|Refused)/.test(line));
    const path = `/v2/live/big/blobs/${digestOf(Buffer.alloc(bigBytes))}?${mark}`;
    const outgoing = httpsRequest(`${registry.url}${path}`, { ca: registry.ca, auth: user, agent: false });
    outgoing.on('error', () => undefined);
    outgoing.on('response', (response) => void response.on('error', () => undefined).pause());
    outgoing.end();
    const deadline = performance.now() + 8000;
    while (performance.now() < deadline && !isCut()) await delay(10);
    const seen = isCut();
    outgoing.destroy();
    return seen;
  }

  /** Whether an upload that nobody goes on with is still there. */
  function abandonedUpload(): () => Promise<number> {
    let location: Promise<string> | undefined;
    return async () => {
      location ??= startUpload().then(({ headers }) => headers.location ?? '');
      return await statusOf('GET', await location);
    };
  }

  /** What waits for a webhook that nobody answers, after one event more. */
  function waitingEvents(): () => Promise<number> {
    const name = `nobody ${++marks}`;
    let made: Promise<unknown> | undefined;
    return async () => {
      made ??= client.call('webhooks.set', {
        name,
        url: 'http://127.0.0.1:1/',
        threshold: 1000,
        backoffMs: 10,
      });
      await made;
      await pushManifest({ tag: 'hooked', note: String(++marks) });
      const row = (await client.call('webhooks.list', {})).find((each) => each.name === name);
      return row?.pending ?? assert.fail('the webhook is gone');
    };
  }

  /** Whether the events of a push name its layers. */
  async function namesReferences(): Promise<boolean> {
    await client.call('webhooks.set', { name: 'ours', url: receiver.url });
    const tag = `hooked-${++marks}`;
    await pushManifest({ tag });
    await receiver.until((all) => all.some(({ event }) => event.target['tag'] === tag));
    return receiver.received.some(({ event: { target } }) => target['tag'] === tag && 'references' in target);
  }

  const privateTargets = { 'berth.notifications.privatetargets': ['127.0.0.1'] };
  const missing = () => pushManifest({ layers: [gone] });
  const withUrl = () => pushManifest({ layers: [{ ...everywhere, urls: ['https://bad.example/x'] }] });
  const often = { 'storage.maintenance.uploadpurging.interval': '30ms' };

  const rows: Readonly<Record<string, () => Row>> = {
    'log.level': () => ({ value: 'warn', see: () => levelOf('jobs'), before: 'info', after: 'warn' }),
    loglevel: () => ({ value: 'error', see: () => levelOf('jobs'), before: 'info', after: 'error' }),
    'berth.log.levels': () => ({
      value: { jobs: 'debug' },
      see: () => levelOf('jobs'),
      before: 'info',
      after: 'debug',
    }),
    'log.accesslog.disabled': () => ({ value: true, see: accessLineKind, before: 'combined', after: 'none' }),
    'berth.log.access': () => ({ value: 'json', see: accessLineKind, before: 'combined', after: 'json' }),
    'storage.delete.enabled': () => ({
      value: false,
      see: () => statusOf('DELETE', '/v2/live/one/manifests/none'),
      before: 404,
      after: 405,
    }),
    'storage.maintenance.uploadpurging.interval': () => ({
      value: '30ms',
      see: hears('purgeFinished'),
      after: true,
    }),
    'storage.maintenance.uploadpurging.enabled': () => ({
      prelude: { 'storage.maintenance.uploadpurging.enabled': false, ...often },
      value: true,
      see: hears('purgeFinished'),
      before: false,
      after: true,
    }),
    'storage.maintenance.uploadpurging.age': () => ({
      prelude: often,
      value: '1ms',
      see: abandonedUpload(),
      before: 204,
      after: 404,
    }),
    'storage.maintenance.uploadpurging.dryrun': () => ({
      prelude: {
        ...often,
        'storage.maintenance.uploadpurging.age': '1ms',
        'storage.maintenance.uploadpurging.dryrun': true,
      },
      value: false,
      see: abandonedUpload(),
      before: 204,
      after: 404,
    }),
    'storage.maintenance.readonly.enabled': () => ({
      value: true,
      see: async () => [(await startUpload()).status, (await client.call('status.get', {})).isReadOnly],
      before: [202, false],
      after: [405, true],
    }),
    'auth.htpasswd.realm': () => ({
      value: 'Elsewhere',
      see: async () =>
        (await request(registry.url, { path: '/v2/', ca: registry.ca })).headers['www-authenticate'],
      before: 'Basic realm="Berth"',
      after: 'Basic realm="Elsewhere"',
    }),
    'http.host': () => ({
      value: 'https://registry.example:5000',
      see: async () => startOf((await startUpload()).headers.location),
      before: '',
      after: 'https://registry.example:5000',
    }),
    'http.relativeurls': () => ({
      value: false,
      see: async () => startOf((await startUpload()).headers.location),
      before: '',
      after: registry.url,
    }),
    'http.headers': () => ({
      value: { 'X-Of-Ours': ['yes'] },
      see: async () => (await send('GET', '/v2/')).headers['x-of-ours'],
      before: undefined,
      after: 'yes',
    }),
    'validation.disabled': () => ({ value: true, see: missing, before: 400, after: 201 }),
    'berth.validation.sparse': () => ({ value: true, see: missing, before: 400, after: 201 }),
    'validation.manifests.urls.allow': () => ({
      value: ['^https://good\\.example/'],
      see: withUrl,
      before: 201,
      after: 400,
    }),
    'validation.manifests.urls.deny': () => ({ value: ['bad'], see: withUrl, before: 201, after: 400 }),
    'validation.manifests.indexes.platforms': () => ({
      value: 'none',
      see: pushIndex,
      before: 400,
      after: 201,
    }),
    'validation.manifests.indexes.platformlist': () => ({
      prelude: { 'validation.manifests.indexes.platforms': 'list' },
      value: [{ architecture: 'amd64', os: 'linux' }],
      see: pushIndex,
      before: 201,
      after: 400,
    }),
    'catalog.maxentries': () => ({
      value: 1,
      see: async () => lengthOf((await send('GET', '/v2/_catalog')).json(), 'repositories'),
      before: 2,
      after: 1,
    }),
    'tags.maxtags': () => ({
      value: 1,
      see: async () => lengthOf((await send('GET', '/v2/live/one/tags/list?n=2')).json(), 'tags'),
      before: 2,
      after: 1,
    }),
    'berth.listen.plain': () => ({
      value: 'off',
      see: async () => (await request(registry.plainUrl, { path: '/v2/', user })).status,
      before: 200,
      after: 426,
    }),
    'berth.http.hosts': () => ({
      value: ['other.example'],
      see: async () =>
        (await request(registry.plainUrl, { path: '/v2/', user, headers: { host: 'other.example' } })).status,
      before: 421,
      after: 200,
    }),
    'berth.http.trustedproxies': () => ({
      value: ['127.0.0.0/8'],
      see: () => statusOf('GET', '/v2/', { headers: { 'x-forwarded-host': 'other.example' } }),
      before: 200,
      after: 421,
    }),
    'berth.limits.manifestbytes': () => ({
      value: 1024,
      see: () => pushManifest({ note: 'x'.repeat(2000) }),
      before: 201,
      after: 413,
    }),
    'berth.limits.uploadsperuser': () => ({
      value: 1,
      see: async () => (await startUpload()).status,
      before: 202,
      after: 429,
    }),
    'berth.limits.bodyidle': () => ({ value: '200ms', see: silentBodyIsCut, after: true }),
    'berth.limits.drainidle': () => ({ value: '200ms', see: silentReaderIsCut, after: true }),
    'berth.storage.reserve.bytes': () => ({
      value: '1000TB',
      see: async () => (await startUpload()).status,
      before: 202,
      after: 403,
    }),
    'berth.storage.reserve.percent': () => ({
      value: 90,
      see: async () => (await startUpload()).status,
      before: 202,
      after: fullness > 0.1 ? 403 : 202,
    }),
    'berth.storage.warn.bytes': () => ({
      value: '1000TiB',
      see: async () => (await client.call('status.get', {})).disk.state,
      before: 'ok',
      after: 'low',
    }),
    'berth.storage.warn.percent': () => ({
      value: 90,
      see: async () => (await client.call('status.get', {})).disk.state,
      before: 'ok',
      after: fullness > 0.1 ? 'low' : 'ok',
    }),
    'berth.storage.collect.interval': () => ({
      value: '30ms',
      see: hears('collectFinished'),
      before: false,
      after: true,
    }),
    'berth.storage.collect.enabled': () => ({
      prelude: { 'berth.storage.collect.enabled': false, 'berth.storage.collect.interval': '30ms' },
      value: true,
      see: hears('collectFinished'),
      before: false,
      after: true,
    }),
    'berth.storage.collect.untagged': () => ({
      value: true,
      see: async () => (await client.call('collect.plan', {})).manifests > 0,
      before: false,
      after: true,
    }),
    'berth.storage.protectedtags': () => ({
      value: ['live/**:v*'],
      see: () => pushManifest({ name: 'live/one', tag: 'v2', note: String(++marks) }),
      before: 201,
      after: 403,
    }),
    'berth.storage.trash': () => ({
      value: '1h',
      see: async () => {
        const [row] = (await client.call('trash.list', {})).rows;
        return Date.parse(row?.expiresAt ?? '') - Date.parse(row?.deletedAt ?? '');
      },
      before: 168 * 3_600_000,
      after: 3_600_000,
    }),
    'berth.auth.anonymous': () => ({
      value: ['live/**'],
      see: async () =>
        (await request(registry.url, { path: '/v2/live/one/tags/list', ca: registry.ca })).status,
      before: 401,
      after: 200,
    }),
    'notifications.events.includereferences': () => ({
      prelude: privateTargets,
      value: true,
      see: namesReferences,
      before: false,
      after: true,
    }),
    'berth.notifications.privatetargets': () => ({
      value: ['127.0.0.1'],
      see: async () => {
        const name = 'private';
        await client.call('webhooks.set', { name, url: receiver.url }).catch(() => undefined);
        return await client.call('webhooks.test', { name }).then(
          ({ status }) => status,
          () => undefined,
        );
      },
      before: undefined,
      after: 200,
    }),
    'berth.notifications.queue': () => {
      const waiting = waitingEvents();
      return {
        prelude: privateTargets,
        value: 1,
        see: async () => ((await waiting()) > 1 || (await waiting()) > 1 ? 'many' : 'one'),
        before: 'many',
        after: 'one',
      };
    },
    'berth.notifications.keep': () => {
      const waiting = waitingEvents();
      return {
        prelude: privateTargets,
        value: '1ms',
        see: async () => (await waiting()) + (await waiting()) + (await waiting()) > 3,
        before: true,
        after: false,
      };
    },
    'berth.web.session': () => ({
      value: '1ms',
      see: async () => {
        const session = await logIn(registry, 'boss', users.boss.password);
        return (await askDoor(registry, 'GET', '/api/session', { session })).status;
      },
      before: 200,
      after: 401,
    }),
    'berth.tls.names': () => ({
      value: ['192.168.77.7'],
      see: async () => (await client.call('certificate.get', {})).leaf.addresses.includes('192.168.77.7'),
      before: false,
      after: true,
    }),
  };
  const elsewhere = {
    'http.draintimeout': 'below: it is about the end of the process',
    'berth.audit.keep': 'registry/derived/audit.test.ts: months have to pass',
    'berth.storage.scrub.rate': 'registry/store/scrub.test.ts: it is about time',
    'berth.storage.collect.grace': 'registry/store/collect.test.ts: an hour has to pass',
    'berth.tls.renewbefore': 'registry/tls/identity.test.ts: months have to pass',
  };

  let fullness = 1;
  before(async () => {
    const { bavail, blocks } = await statfs(registry.dataDir);
    fullness = 1 - bavail / blocks;
  });

  const set = (changes: Changes) =>
    client.call('settings.set', {
      changes: Object.entries(changes).map(([path, value]) => ({ path, value: value as string })),
    });

  test('all of them are looked at', () => {
    const live = supportedFields.filter(({ restart }) => restart === 'none').map(({ path }) => path);

    assert.deepEqual([...Object.keys(rows), ...Object.keys(elsewhere)].toSorted(), live.toSorted());
  });

  for (const [path, makeRow] of Object.entries(rows)) {
    test(path, async () => {
      const row = makeRow();
      const prelude = row.prelude ?? {};
      if (Object.keys(prelude).length > 0) await set(prelude);
      if ('before' in row) assert.deepEqual(await row.see(), row.before, 'before');

      const change = await set({ [path]: row.value });
      const deadline = performance.now() + 10_000;
      let seen = await row.see();
      while (!isDeepStrictEqual(seen, row.after) && performance.now() < deadline) seen = await row.see();
      await client.call('settings.reset', { paths: [path, ...Object.keys(prelude)] });

      assert.deepEqual(seen, row.after);
      assert.deepEqual([change.inForce, change.pending], [[path], []]);
    });
  }
});

test('a shorter time to finish counts for the stop that comes', async () => {
  await using registry = await startRegistry();
  using client = await openClient(registry.dataDir);
  await client.call('settings.set', { changes: [{ path: 'http.draintimeout', value: '100ms' }] });
  await using raw = await openRaw(registry.host, registry.port);
  raw.send(`POST /v2/a/blobs/uploads/?digest=${digestOf('x')} HTTP/1.1\r\nHost: ${registry.address}\r\n`);
  raw.send('Content-Length: 10\r\nExpect: 100-continue\r\n\r\n');
  await raw.receive(/100 Continue\r\n\r\n/);

  const startedAt = performance.now();
  await registry.stop();

  // Without the change it is 10 s.
  assert.ok(performance.now() - startedAt < 8000);
});

test('a change survives a restart, and what waited for it is in force then', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-restart-'));
  const dataDir = directory.path;
  await using first = await startRegistry({ dataDir });
  {
    using client = await openClient(dataDir);
    const { inForce, pending } = await client.call('settings.set', {
      changes: [
        { path: 'storage.maintenance.readonly.enabled', value: true },
        { path: 'http.prefix', value: '/hub/' },
        { path: 'log.formatter', value: 'json' },
      ],
    });
    assert.deepEqual(inForce, ['storage.maintenance.readonly.enabled']);
    assert.deepEqual(pending, [
      { path: 'log.formatter', restart: 'process' },
      { path: 'http.prefix', restart: 'listener' },
    ]);
    const { sections } = await client.call('settings.form', {});
    const waiting = sections.flatMap(({ fields }) => fields).filter(({ isPending }) => isPending);
    assert.deepEqual(
      waiting.map(({ path }) => path),
      ['log.formatter', 'http.prefix'],
    );
  }
  await first.stop();

  await using second = await startRegistry({ dataDir });
  const post = (path: string) => request(second.plainUrl, { method: 'POST', path });
  using client = await openClient(dataDir);
  const { sections } = await client.call('settings.form', {});

  assert.equal((await post('/hub/v2/a/blobs/uploads/')).status, 405);
  assert.match(second.log(), /^\{.*"event":"listening"/m);
  assert.ok(sections.every(({ fields }) => fields.every(({ isPending }) => !isPending)));
});

test('what a variable fixes is refused with its name, what does not fit with the field, and neither is written', async () => {
  await using registry = await startRegistry({ env: { REGISTRY_TAGS_MAXTAGS: '9' } });
  using client = await openClient(registry.dataDir);
  const berth = berthOn(registry.dataDir);
  const file = join(registry.dataDir, 'berth', 'config.yml');
  const read = () => readFile(file, 'utf8').catch(() => undefined);
  const text = await read();
  const change = (path: string, value: string) => client.call('settings.set', { changes: [{ path, value }] });

  await assert.rejects(change('tags.maxtags', '5'), {
    code: 'SETTING_LOCKED',
    message: /REGISTRY_TAGS_MAXTAGS/,
  });
  await assert.rejects(change('log.level', 'loud'), {
    code: 'CONFIG_INVALID',
    message: /^log\.level must be/,
  });
  await assert.rejects(change('lgo.level', 'warn'), { code: 'SETTING_UNKNOWN', message: /log\.level/ });
  const [locked, invalid, unknown] = [
    await berth.try('config', 'set', 'tags.maxtags', '5'),
    await berth.try('config', 'set', 'log.level', 'loud'),
    await berth.try('config', 'set', 'lgo.level', 'warn'),
  ];

  assert.deepEqual([locked.code, invalid.code, unknown.code], [1, 2, 5]);
  assert.equal(await read(), text);
});

test('the command line changes a registry that runs and one that does not, and exports what was said', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-config-'));
  const dataDir = directory.path;
  await mkdir(join(dataDir, 'berth'), { mode: 0o700 });
  const berth = berthOn(dataDir);
  const stopped = (await berth.json('config', 'set', 'tags.maxtags', '7')) as object;
  await using registry = await startRegistry({ dataDir });
  const running = (await berth.json('config', 'set', 'berth.auth.anonymous', '[public/**]')) as object;
  const secret = await berth.try('config', 'set', 'http.secret', 'hush');
  const file = (await berth.run('config', 'path')).trim();
  const exported = await berth.run('config', 'export');
  const environment = await berth.run('config', 'export', '--env');
  const lines = environment
    .trim()
    .split('\n')
    .map((line) => line.split(/=(.*)/s));

  const load = (text: string, env: Record<string, string | undefined>) =>
    loadConfig({ file: join(dataDir, 'none'), text, env, root: '/elsewhere' });
  const [byFile, byEnvironment, present] = [
    await load(exported, {}),
    await load('', Object.fromEntries(lines) as Record<string, string>),
    await load(await readFile(file, 'utf8'), {}),
  ];

  assert.deepEqual(stopped, { inForce: [], pending: [{ path: 'tags.maxtags', restart: 'process' }], file });
  assert.deepEqual(running, { inForce: ['berth.auth.anonymous'], pending: [], file });
  assert.deepEqual([secret.code, /stdin/.test(secret.stderr)], [2, true]);
  assert.equal(await berth.run('config', 'get', 'berth.auth.anonymous'), '["public/**"]\n');
  for (const { path } of supportedFields.filter(
    (field) => field.path !== 'storage.filesystem.rootdirectory',
  )) {
    assert.deepEqual(valueAt(byFile.config, path), valueAt(present.config, path), path);
    assert.deepEqual(valueAt(byEnvironment.config, path), valueAt(present.config, path), path);
  }
  await berth.run('config', 'reset', 'tags.maxtags', 'berth.auth.anonymous');
  assert.equal(await berth.run('config', 'get', 'tags.maxtags'), '1000\n');
  assert.match(registry.log(), /event=settingsChanged/);
});

test('a value is given as YAML, and what was said is exported without secrets', async () => {
  await using registry = await startRegistry({ env: { REGISTRY_HTTP_SECRET: 'hush' } });
  using client = await openClient(registry.dataDir);
  const set = (path: string, text: string) => client.call('settings.set', { changes: [{ path, text }] });

  const { inForce } = await set('http.headers', 'X-A:\n  - one\n');
  await assert.rejects(set('http.headers', 'X-A: [one'), { code: 'USAGE', message: /not YAML/ });
  const { text: file } = await client.call('settings.export', { as: 'file' });
  const { text: environment } = await client.call('settings.export', { as: 'environment' });

  assert.deepEqual(inForce, ['http.headers']);
  const first = '# http.secret holds secrets and is left out.\n';
  assert.equal(file.startsWith(`${first}version: "0.1"\n`), true, file);
  assert.match(file, /headers: \{ X-A: \[ one \] \}/);
  assert.equal(environment.startsWith(first), true, environment);
  assert.match(environment, /^REGISTRY_HTTP_HEADERS=\{"X-A":\["one"\]\}$/m);
});

test('what everybody should know is in the status', async () => {
  await using registry = await startRegistry({
    listen: '0.0.0.0:0',
    env: { BERTH_LISTEN_PLAIN: 'any', OTEL_SERVICE_NAME: 'x' },
  });
  await using calm = await startRegistry({ auth: 'htpasswd', env: { BERTH_LISTEN_PLAIN: 'any' } });
  using client = await openClient(registry.dataDir);
  using other = await openClient(calm.dataDir);

  const seen = [await client.call('status.get', {}), await other.call('status.get', {})];

  assert.deepEqual(
    seen.map(({ isOpen, isPlain, unheeded }) => ({ isOpen, isPlain, unheeded })),
    [
      {
        isOpen: true,
        isPlain: true,
        unheeded: ['OTEL_SERVICE_NAME: OTEL_SERVICE_NAME has no effect. Berth sends no traces.'],
      },
      { isOpen: false, isPlain: false, unheeded: [] },
    ],
  );
  assert.match(
    await berthOn(registry.dataDir).run('status'),
    /warning: {2}login is switched off, .*\nwarning: {2}other computers .*\nwarning: {2}OTEL_SERVICE_NAME/,
  );
});

test('what was edited by hand is in force after SIGHUP', async () => {
  await using registry = await startRegistry();
  const isReadOnly = async (): Promise<boolean> =>
    (await request(registry.plainUrl, { method: 'POST', path: '/v2/a/blobs/uploads/' })).status === 405;
  const seen = [await isReadOnly()];

  await writeFile(
    join(registry.dataDir, 'berth', 'config.yml'),
    'storage: { maintenance: { readonly: { enabled: true } } }\n',
    { mode: 0o600 },
  );
  process.kill(registry.pid, 'SIGHUP');
  while (!registry.log().includes('event=settingsChanged')) await delay(5);
  seen.push(await isReadOnly());

  assert.deepEqual(seen, [false, true]);
});

test('kill -9 in the middle of many changes leaves a file that can be read, with the old or the new', async () => {
  for (const pauseMs of [0, 7, 23, 60, 111]) {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-kill-'));
    const dataDir = directory.path;
    await using registry = await startRegistry({ dataDir });
    using client = await openClient(dataDir);
    let acknowledged = 0;
    const begun = Promise.withResolvers<void>();
    const changing = (async () => {
      for (let count = 1; ; count++) {
        await client.call('settings.set', {
          changes: [
            { path: 'tags.maxtags', value: count },
            { path: 'catalog.maxentries', value: count },
          ],
        });
        acknowledged = count;
        if (count === 2) begun.resolve();
      }
    })();
    const ended = assert.rejects(changing, { code: 'NOT_RUNNING' });
    await begun.promise;
    await delay(pauseMs);
    await registry.kill('SIGKILL');
    await ended;

    const { config } = await loadConfig({ env: {}, root: dataDir });

    assert.equal(config.tags.maxtags, config.catalog.maxentries);
    assert.ok([acknowledged, acknowledged + 1].includes(config.tags.maxtags), String(acknowledged));
  }
});

test('a certificate is renewed without cutting a pull, and sealing needs the fingerprint of the authority', async () => {
  await using registry = await startRegistry();
  using client = await openClient(registry.dataDir);
  const berth = berthOn(registry.dataDir);
  await using raw = await openRaw(registry.host, registry.port, { ca: registry.ca });
  raw.send(`GET /v2/ HTTP/1.1\r\nHost: ${registry.address}\r\n\r\n`);
  await raw.receive(/200 OK[^]*\{\}/);
  const first = await client.call('certificate.get', {});

  const { leaf } = await client.call('certificate.renew', {});
  raw.send(`GET /v2/ HTTP/1.1\r\nHost: ${registry.address}\r\n\r\n`);
  await raw.receive(/200 OK[^]*\{\}/);
  const shown = await certificateOf(registry);
  await berth.run('cert', 'renew');
  const byCommand = await certificateOf(registry);

  assert.equal(first.ca, registry.ca);
  assert.notEqual(first.leaf.fingerprint, leaf.fingerprint);
  assert.equal(shown, leaf.fingerprint);
  assert.notEqual(byCommand, shown);
  await assert.rejects(client.call('certificate.seal', { fingerprint: leaf.fingerprint }), { code: 'USAGE' });
  assert.equal((await client.call('certificate.get', {})).authority?.isSealed, false);
  const fingerprint = first.authority?.fingerprint.toLowerCase().replaceAll(':', '') ?? '';
  const sealed = await client.call('certificate.seal', { fingerprint });
  assert.equal(sealed.authority?.isSealed, true);
  await assert.rejects(client.call('certificate.renew', {}), { code: 'CA_SEALED' });
  assert.equal((await berth.try('cert', 'renew')).code, 1);
  assert.equal(await certificateOf(registry), byCommand);
});

interface ManifestParts {
  readonly name?: string;
  readonly tag?: string;
  readonly layers?: readonly object[];
  readonly note?: string;
}

function manifestOf({ layers = [everywhere], note = '' }: ManifestParts): string {
  const annotations = { note };
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: everywhere,
    layers,
    annotations,
  });
}

function digestOf(bytes: string | Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** What stands before the path. */
function startOf(location = ''): string {
  return location.slice(0, location.indexOf('/v2/'));
}

function lengthOf(value: unknown, key: string): number {
  return ((value as Readonly<Record<string, readonly unknown[]>>)[key] ?? []).length;
}

/** The fingerprint of what a new connection is shown. */
async function certificateOf({ url, ca }: TestRegistry): Promise<string> {
  return await new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, { ca, agent: false }, (response) => {
      const { fingerprint256 } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
      response.resume().once('end', () => resolve(fingerprint256));
    });
    outgoing.once('error', reject).end();
  });
}
