/** Bundles by the browser door of a real process: files that browsers send to be imported, and exports that they fetch. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { writeTar } from '../../registry/archive/tar.ts';
import { openClient } from '../../registry/cli/client.ts';
import { askDoor, connectDoor, type DoorClient, type DoorSession, logIn } from '../support/door.ts';
import type { Answer } from '../support/http.ts';
import { until } from '../support/desktop-acts.ts';
import { pushImage } from '../support/push.ts';
import type { TestRegistry } from '../support/registry.ts';
import { refusal, startWithUsers } from './support.ts';

const users = { dev: { role: 'admin' }, root: { role: 'admin' } } as const;

suite('bundles and browsers', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let session: DoorSession;
  let door: DoorClient;
  let bundle: Buffer;
  before(async () => {
    registry = resources.use(await startWithUsers(users, { env: { BERTH_WEB_ENABLED: 'true' } }));
    session = await logIn(registry, 'dev', 'dev');
    door = resources.use(await connectDoor(registry, session));
    await pushImage({ plainUrl: registry.plainUrl, user: 'dev:dev' }, 'team/app', '1', 'a layer');
    bundle = (await download(['team/app:1'])).body;
  });
  after(() => resources.disposeAsync());

  async function download(references: string[]): Promise<Answer> {
    const { ticket } = await door.client.call('bundles.download', { references });
    return await askDoor(registry, 'GET', `/api/download/${ticket}`, { session });
  }

  const send = (body: string | Buffer, headers: Readonly<Record<string, string | undefined>> = {}) =>
    askDoor(registry, 'POST', '/api/upload', {
      session,
      body,
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });

  async function sent(body: string | Buffer): Promise<string> {
    const answer = await send(body);
    assert.equal(answer.status, 201, String(answer.body));
    const { upload, bytes } = answer.json() as { readonly upload: string; readonly bytes: number };
    assert.equal(bytes, Buffer.from(body).length);
    return upload;
  }

  const kept = (): Promise<readonly string[]> => readdir(join(registry.dataDir, 'berth', 'tmp'));

  test('an export is fetched as a file of a known size, and is what berth import takes', async () => {
    const answer = await download(['team/app:1']);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-fetched-'));
    const path = join(folder.path, 'app.tar');
    await writeFile(path, answer.body);
    using client = await openClient(registry.dataDir);

    const row = await client.call('bundles.inspect', { path });

    assert.equal(answer.headers['content-length'], String(answer.body.length));
    assert.match(String(answer.headers['content-disposition']), /filename="team-app-1\.tar"/);
    assert.deepEqual(
      row.images.map(({ repository, tag, isHere }) => [repository, tag, isHere]),
      [['team/app', '1', true]],
    );
    const tasks = await client.call('tasks.list', {});
    assert.deepEqual([tasks[0]?.kind, tasks[0]?.state, tasks[0]?.user], ['export', 'done', 'dev']);
  });

  test('a file that was sent is inspected, imported under another name, and let go', async () => {
    const upload = await sent(bundle);

    const row = await door.client.call('bundles.inspect', { upload });
    await door.client.call('bundles.import', { upload, prefix: 'mirror' });
    const { rows } = await door.client.call('tags.list', { repository: 'mirror/team/app' });
    const during = await kept();
    await door.client.call('bundles.discard', { upload });

    assert.deepEqual([row.kind, row.total, row.newBlobs], ['oci-archive', 1, 0]);
    assert.deepEqual(
      rows.map(({ tag, pushedBy }) => [tag, pushedBy]),
      [['1', 'dev']],
    );
    assert.deepEqual([during.length, await kept()], [1, []]);
    await assert.rejects(door.client.call('bundles.inspect', { upload }), { code: 'PATH_REFUSED' });
  });

  test('what is no archive is said to be none', async () => {
    const upload = await sent('no archive');

    await assert.rejects(door.client.call('bundles.inspect', { upload }), { code: 'BUNDLE_INVALID' });
    await door.client.call('bundles.discard', { upload });
  });

  test('the last three files of a user are kept, and nobody else may read them', async () => {
    const uploads = [];
    for (const text of ['one', 'two', 'three', 'four']) uploads.push(await sent(text));
    await using other = await connectDoor(registry, await logIn(registry, 'root', 'root'));
    const [first = '', second = ''] = uploads;

    await assert.rejects(door.client.call('bundles.inspect', { upload: first }), { code: 'PATH_REFUSED' });
    await assert.rejects(door.client.call('bundles.inspect', { upload: second }), { code: 'BUNDLE_INVALID' });
    await assert.rejects(other.client.call('bundles.inspect', { upload: second }), { code: 'PATH_REFUSED' });
    await other.client.call('bundles.discard', { upload: second });
    assert.equal((await kept()).length, 3);

    for (const upload of uploads) await door.client.call('bundles.discard', { upload });
  });

  test('a path is for the command line alone, and one source is named', async () => {
    const path = join(registry.dataDir, 'berth', 'lock');
    const wrong = [{}, { path, upload: 'x' }];

    await assert.rejects(door.client.call('bundles.inspect', { path }), { code: 'DENIED' });
    await assert.rejects(door.client.call('bundles.import', { path }), { code: 'DENIED' });
    for (const args of wrong) {
      await assert.rejects(door.client.call('bundles.inspect', args), { code: 'USAGE' });
      await assert.rejects(door.client.call('bundles.import', args), { code: 'USAGE' });
    }
  });

  const refusals = [
    { name: 'no session', headers: { cookie: undefined }, wanted: '401 UNAUTHORIZED' },
    { name: 'no token', headers: { 'x-berth-csrf': undefined }, wanted: '403 DENIED' },
    { name: 'the Origin of another page', headers: { origin: 'https://evil.example' }, wanted: '403 DENIED' },
    { name: 'no Origin', headers: { origin: undefined }, wanted: '403 DENIED' },
    {
      name: 'a form',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      wanted: '400 UNSUPPORTED',
    },
  ];
  for (const { name, headers, wanted } of refusals) {
    test(`${name} sends nothing: ${wanted}`, async () => {
      const answer = await send(bundle, headers);

      assert.equal(refusal(answer), wanted);
      assert.deepEqual(await kept(), []);
    });
  }

  test('a sender that goes leaves nothing behind', async () => {
    const stop = new AbortController();
    const size = 50_000_000;
    const sending = askDoor(registry, 'POST', '/api/upload', {
      session,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      body: Buffer.alloc(1_000_000),
      signal: stop.signal,
    });
    sending.catch(() => undefined);
    await until(async () => (await kept()).length === 1);

    stop.abort();

    await assert.rejects(sending);
    await until(async () => (await kept()).length === 0);
  });

  test('an archive with a name that leads elsewhere is refused as on the command line', async () => {
    const evil = await sent(Buffer.from(writeTar([{ name: '../../etc/passwd', bytes: Buffer.from('x') }])));

    await assert.rejects(door.client.call('bundles.import', { upload: evil }), { code: 'BUNDLE_INVALID' });
    await door.client.call('bundles.discard', { upload: evil });
  });
});

test('a read-only registry takes no file', async () => {
  await using registry = await startWithUsers(users, {
    env: { BERTH_WEB_ENABLED: 'true', REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}' },
  });
  const session = await logIn(registry, 'dev', 'dev');

  const answer = await askDoor(registry, 'POST', '/api/upload', {
    session,
    body: 'x',
    headers: { 'content-type': 'application/octet-stream' },
  });

  assert.equal(refusal(answer), '405 UNSUPPORTED');
});
