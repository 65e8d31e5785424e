/** Who pushes and pulls, the audit, and the cards, on a real registry with real clients. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, suite, test } from 'node:test';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import type { AuditRow } from '../../registry/spec/audit.ts';
import type { SessionRow } from '../../registry/spec/admin/activity.ts';
import { berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import {
  imageOf,
  openUpload,
  pushBlob,
  pushImage,
  putManifest,
  type Send,
  sender,
  startWithUsers,
} from '../wire/support.ts';

const wireUsers = { dev: { role: 'admin' }, builder: { role: 'push' }, reader: { role: 'pull' } } as const;
const patienceMs = 30_000;

/** Reads rows until one is as it should be. */
async function until(client: AdminClient, isIt: (row: SessionRow) => boolean): Promise<SessionRow> {
  const seen: SessionRow[] = [];
  for await (const rows of client.subscribe('sessions', {}, { signal: AbortSignal.timeout(patienceMs) })) {
    seen.push(...rows);
    const found = rows.find(isIt);
    if (found !== undefined) return found;
  }
  return assert.fail(`no such session among:\n${seen.map((row) => JSON.stringify(row)).join('\n')}`);
}

/** A body that begins and does not end before `finish`. */
function slowBody(first: Uint8Array) {
  const body = new PassThrough();
  body.write(first);
  return { body, finish: () => void body.end() };
}

async function allAudit(
  client: AdminClient,
  filter: Readonly<Record<string, string | boolean>> = {},
): Promise<readonly AuditRow[]> {
  const rows: AuditRow[] = [];
  let next: string | undefined;
  do {
    const page = await client.call('audit.list', { ...filter, after: next, limit: 7 });
    rows.push(...page.rows);
    next = page.next;
  } while (next !== undefined);
  return rows;
}

/** Refusals are noted beside their answers: asks until there are so many lines. */
async function noted(
  client: AdminClient,
  filter: Readonly<Record<string, string>>,
  count: number,
): Promise<readonly AuditRow[]> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline;) {
    const rows = await allAudit(client, filter);
    if (rows.length >= count) return rows;
  }
  return assert.fail(`there are no ${count} lines of ${JSON.stringify(filter)}`);
}

suite('transfers as they happen', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let client: AdminClient;
  let dev: Send;
  before(async () => {
    registry = resources.use(await startWithUsers(wireUsers));
    client = resources.use(await openClient(registry.dataDir));
    dev = sender(registry, 'dev:dev');
  });
  after(() => resources.disposeAsync());

  test(
    'skopeo is seen pushing and pulling, with what it sent and what it did not have to',
    needs('skopeo', 'busybox', 'openssl'),
    async () => {
      const folder = registry.dataDir;
      const image = await makeImage({ out: join(folder, 'image'), ref: 'app:1', layers: 2 });
      await writeFile(join(folder, 'ca.crt'), registry.ca ?? '');
      const flags = (side: 'src' | 'dest') => [`--${side}-cert-dir`, folder, `--${side}-creds`, 'dev:dev'];
      const remote = `docker://${registry.address}/skopeo`;
      const copy = (...args: readonly string[]) =>
        succeed('skopeo', ['copy', ...args], { env: { HOME: folder } });

      await copy(...flags('dest'), `oci:${image.out}:1`, `${remote}/app:1`);
      const pushed = await until(client, (row) => row.repository === 'skopeo/app' && row.state === 'done');
      await copy(...flags('dest'), `oci:${image.out}:1`, `${remote}/app:2`);
      const again = await until(client, ({ tag, layers }) => tag === '2' && layers.reused > 0);
      await copy(...flags('src'), `${remote}/app:1`, `dir:${join(folder, 'back')}`);
      const pulled = await until(client, ({ kind, state }) => kind === 'pull' && state === 'done');

      const { layers } = (await dev('GET', '/v2/skopeo/app/manifests/1')).json() as {
        readonly layers: readonly unknown[];
      };
      const { totalBytes = 0 } = pulled;
      const blobs = layers.length + 1;
      const { user, kind, tag, digest, address, bytesIn, bytesOut, isCancellable } = pushed;
      assert.deepEqual(
        { user, kind, tag, digest, address, bytesIn, bytesOut, isCancellable, layers: pushed.layers },
        {
          user: 'dev',
          kind: 'push',
          tag: '1',
          digest: image.digest,
          address: '127.0.0.1',
          bytesIn: totalBytes,
          bytesOut: 0,
          isCancellable: false,
          layers: { done: blobs, reused: 0, open: 0, total: blobs },
        },
      );
      assert.match(pushed.client, /^skopeo \d+\.\d+$/);
      assert.ok(pushed.userAgent.startsWith('skopeo/'));
      assert.deepEqual([again.bytesIn, again.layers.done, again.layers.reused], [0, 0, blobs]);
      assert.ok(totalBytes > 2_000_000);
      assert.deepEqual(
        [pulled.kind, pulled.user, pulled.bytesOut, pulled.layers],
        ['pull', 'dev', totalBytes, { done: blobs, reused: 0, open: 0, total: blobs }],
      );
    },
  );

  test('a transfer that is under way shows its bytes; two clients are two sessions', async () => {
    const bytes = Buffer.alloc(3_000_000, 1);
    const pushes = await Promise.all(
      ['first/1.0', 'second/2.0'].map(async (agent) => {
        const send: Send = (method, path, options = {}) =>
          dev(method, path, { ...options, headers: { ...options.headers, 'user-agent': agent } });
        const location = await openUpload(send, 'live/app');
        const slow = slowBody(bytes);
        return { agent, slow, answer: send('PATCH', location, { body: slow.body }) };
      }),
    );

    const seen = await Promise.all(
      pushes.map(({ agent }) =>
        until(client, ({ userAgent, bytesIn }) => userAgent === agent && bytesIn === bytes.length),
      ),
    );
    for (const { slow } of pushes) slow.finish();
    await Promise.all(pushes.map(({ answer }) => answer));
    const ended = await until(
      client,
      ({ userAgent, layers }) => userAgent === 'first/1.0' && layers.open === 0,
    );

    assert.deepEqual(
      seen.map((row) => [row.client, row.state, row.layers.open, row.isCancellable, row.bytesPerSecond > 0]),
      [
        ['first 1.0', 'active', 1, true, true],
        ['second 2.0', 'active', 1, true, true],
      ],
    );
    assert.notEqual(seen[0]?.id, seen[1]?.id);
    assert.deepEqual([ended.bytesIn, ended.bytesPerSecond], [bytes.length, 0]);
  });

  test('a slow push is cut with a sentence, the audit says by whom, and the client may try again', async () => {
    const location = await openUpload(dev, 'cut/app');
    const slow = slowBody(Buffer.alloc(100_000, 1));
    const answer = dev('PATCH', location, { body: slow.body });
    const { id } = await until(
      client,
      ({ repository, layers }) => repository === 'cut/app' && layers.open === 1,
    );

    const { requests } = await client.call('sessions.cancel', { id });
    const refused = await answer;
    slow.finish();
    const failed = await until(client, ({ id: other, state }) => other === id && state === 'failed');
    const digest = await pushImage(dev, 'cut/app', '1');
    const mended = await until(client, ({ id: other, state }) => other === id && state === 'done');

    const sentence = 'An administrator of this registry has ended this transfer.';
    assert.deepEqual([requests, refused.status], [1, 403]);
    assert.deepEqual(
      (refused.json() as { readonly errors: readonly { readonly message: string }[] }).errors[0]?.message,
      sentence,
    );
    assert.deepEqual([failed.error, mended.error, mended.digest], [sentence, undefined, digest]);
    const [line] = await allAudit(client, { kind: 'transferEnded' });
    assert.deepEqual([line?.repository, line?.subject, line?.client], ['cut/app', 'dev', 'berth 0.1']);
    await assert.rejects(client.call('sessions.cancel', { id: 9999 }), { code: 'SESSION_UNKNOWN' });
  });

  test('a slow pull is cut', async () => {
    const bytes = Buffer.alloc(60_000_000, 1);
    const digest = await pushBlob(dev, 'cut/pull', bytes);
    const socket = connect(registry.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const login = Buffer.from('dev:dev').toString('base64');
    socket.write(
      `GET /v2/cut/pull/blobs/${digest} HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nAuthorization: Basic ${login}\r\nUser-Agent: lazy/1\r\n\r\n`,
    );
    const row = await until(client, ({ client: name, layers }) => name === 'lazy 1' && layers.open === 1);

    await client.call('sessions.cancel', { id: row.id });
    const failed = await until(client, ({ id, state }) => id === row.id && state === 'failed');
    socket.destroy();

    assert.equal(failed.error, 'An administrator of this registry has ended this transfer.');
    assert.ok(failed.bytesOut < bytes.length);
    const [line] = await noted(client, { kind: 'pulled', repository: 'cut/pull' }, 1);
    assert.deepEqual([line?.outcome, line?.detail, line?.user], ['failed', failed.error, 'dev']);
  });
});

suite('the audit', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  before(async () => {
    registry = resources.use(
      await startWithUsers(wireUsers, { env: { BERTH_STORAGE_PROTECTEDTAGS: '["kept/**:v*"]' } }),
    );
  });
  after(() => resources.disposeAsync());

  test('has every write of a script of operations, with who, from where and with what', async () => {
    using client = await openClient(registry.dataDir);
    const [dev, builder] = [sender(registry, 'dev:dev'), sender(registry, 'builder:builder')];
    const expected: (readonly unknown[])[] = [];
    const at = (user: string) => [user, '127.0.0.1'] as const;

    const first = await pushImage(builder, 'audit/app', '1');
    expected.push(['pushed', 'audit/app', undefined, first, ...at('builder')]);
    expected.push(['tagMoved', 'audit/app', '1', first, ...at('builder')]);
    const second = await pushImage(builder, 'audit/app', '1', { layers: ['two'] });
    expected.push(['pushed', 'audit/app', undefined, second, ...at('builder')]);
    expected.push(['tagMoved', 'audit/app', '1', second, ...at('builder')]);
    await dev('DELETE', '/v2/audit/app/manifests/1');
    expected.push(['tagDeleted', 'audit/app', '1', second, ...at('dev')]);
    const owner = ['owner', undefined] as const;
    const [trash] = (await client.call('trash.list', {})).rows;
    await client.call('trash.restore', { id: trash?.id ?? '' });
    expected.push(['restored', 'audit/app', '1', second, ...owner]);
    await client.call('tags.set', { repository: 'audit/app', tag: '1', digest: first });
    expected.push(['tagMoved', 'audit/app', '1', first, ...owner]);
    await dev('DELETE', `/v2/audit/app/manifests/${second}`);
    expected.push(['manifestDeleted', 'audit/app', undefined, second, ...at('dev')]);
    const loose = await pushBlob(dev, 'audit/app', 'loose');
    await dev('DELETE', `/v2/audit/app/blobs/${loose}`);
    expected.push(['blobDeleted', 'audit/app', undefined, loose, ...at('dev')]);
    await client.call('logs.setLevel', { sys: 'tls', level: 'debug' });
    expected.push(['levelChanged', undefined, undefined, undefined, ...owner]);
    await client.call('users.add', { name: 'new', role: 'pull' });
    expected.push(['userChanged', undefined, undefined, undefined, ...owner]);
    await client.call('users.remove', { name: 'new' });
    expected.push(['userChanged', undefined, undefined, undefined, ...owner]);
    await client.call('settings.set', { changes: [{ path: 'berth.audit.keep', value: '9000h' }] });
    expected.push(['settingChanged', undefined, undefined, undefined, ...owner]);
    await client.call('webhooks.set', { name: 'hook', url: 'https://hooks.example/' });
    expected.push(['settingChanged', undefined, undefined, undefined, ...owner]);
    await client.call('webhooks.remove', { name: 'hook' });
    expected.push(['settingChanged', undefined, undefined, undefined, ...owner]);
    await client.call('index.rebuild', {});
    expected.push(['indexRebuilt', undefined, undefined, undefined, ...owner]);
    await client.call('tags.delete', { repository: 'audit/app', tag: '1' });
    expected.push(['tagDeleted', 'audit/app', '1', first, ...owner]);
    expected.push(['manifestDeleted', 'audit/app', undefined, first, ...owner]);
    const whole = await pushImage(dev, 'audit/whole', '1');
    expected.push(['pushed', 'audit/whole', undefined, whole, ...at('dev')]);
    expected.push(['tagMoved', 'audit/whole', '1', whole, ...at('dev')]);
    await client.call('repositories.delete', { repository: 'audit/whole' });
    expected.push(['tagDeleted', 'audit/whole', '1', whole, ...owner]);
    expected.push(['manifestDeleted', 'audit/whole', undefined, whole, ...owner]);
    expected.push(['repositoryDeleted', 'audit/whole', undefined, undefined, ...owner]);
    await client.call('trash.empty', {});
    expected.push(['trashEmptied', undefined, undefined, undefined, ...owner]);
    await client.call('collect.run', {});
    expected.push(['collected', undefined, undefined, undefined, ...owner]);

    const rows = await allAudit(client);
    const who = rows.find(({ kind }) => kind === 'trashEmptied')?.user;
    assert.deepEqual(
      rows.map((row) => [row.kind, row.repository, row.tag, row.digest, row.user, row.address]).toReversed(),
      expected.map((row) => row.map((cell) => (cell === 'owner' ? who : cell))),
    );
    assert.ok(rows.every(({ outcome, client: name }) => outcome === 'done' && name !== ''));
    // A collection knows who asked for it, and no more.
    const byOwner = rows.filter(({ user, kind }) => user === who && kind !== 'collected');
    assert.deepEqual(new Set(byOwner.map((row) => row.client)), new Set(['berth 0.1']));
  });

  test('has failed logins and refused writes, the first at once', async () => {
    using client = await openClient(registry.dataDir);
    await pushImage(sender(registry, 'dev:dev'), 'kept/app', 'v1');
    const wrong = sender(registry, 'dev:wrong');
    for (let times = 0; times < 3; times += 1) await wrong('GET', '/v2/');
    await sender(registry, 'reader:reader')('POST', '/v2/kept/app/blobs/uploads/');
    await putManifest(
      sender(registry, 'dev:dev'),
      'kept/app',
      'v1',
      imageOf([], { annotations: { a: 'b' } }),
    );

    const logins = await noted(client, { kind: 'loginFailed' }, 1);
    const refused = await noted(client, { kind: 'writeRefused' }, 2);

    assert.deepEqual(
      logins.map(({ user, address, outcome, count }) => [user, address, outcome, count]),
      [['dev', '127.0.0.1', 'failed', undefined]],
    );
    assert.deepEqual(
      refused.map(({ user, repository, tag }) => [user, repository, tag]),
      [
        ['dev', 'kept/app', 'v1'],
        ['reader', 'kept/app', undefined],
      ],
    );
  });

  test('is asked for by user, repository, kind, text and time, page by page', async () => {
    using client = await openClient(registry.dataDir);
    await pushImage(sender(registry, 'builder:builder'), 'asked/app', 'needle');
    const all = await allAudit(client);
    const since = all.find(({ repository }) => repository === 'asked/app')?.at ?? '';
    const count = async (filter: Readonly<Record<string, string>>) => (await allAudit(client, filter)).length;

    assert.deepEqual(
      [
        await count({ repository: 'asked/app' }),
        await count({ user: 'builder' }),
        await count({ kind: 'repositoryDeleted' }),
        await count({ q: 'NEEDLE' }),
        await count({ since }),
        await count({ until: '2000-01-01T00:00:00Z' }),
        await count({ user: 'nobody' }),
      ],
      [
        2,
        all.filter(({ user }) => user === 'builder').length,
        1,
        1,
        all.filter(({ at }) => at >= since).length,
        0,
        0,
      ],
    );
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
    assert.deepEqual(
      all.map(({ id }) => id),
      all.map(({ id }) => id).toSorted((a, b) => Number(b.split(':')[1]) - Number(a.split(':')[1])),
    );
  });

  test('has what checks of the doctor do, and leaves it out where that is asked for', async () => {
    using client = await openClient(registry.dataDir);
    const repository = 'berth/doctor';
    await pushImage(sender(registry, 'builder:builder'), repository, 'check');
    const { id } = await client.call('tokens.create', {
      owner: 'builder',
      label: 'check',
      verbs: ['pull'],
      repositories: [repository],
    });
    await client.call('tokens.revoke', { id });
    await sender(registry, 'reader:reader')('POST', `/v2/${repository}/blobs/uploads/`);

    await noted(client, { repository, kind: 'writeRefused' }, 1);
    const all = await allAudit(client, { repository });
    const few = await allAudit(client, { repository, withoutChecks: true });

    assert.deepEqual(all.map(({ kind }) => kind).toSorted(), [
      'pushed',
      'tagMoved',
      'tokenChanged',
      'tokenChanged',
      'writeRefused',
    ]);
    assert.deepEqual(
      few.map(({ kind }) => kind),
      ['writeRefused'],
    );
  });

  test('is exported as lines of JSON and as a table in which nothing is a formula', async () => {
    const berth = berthOn(registry.dataDir);
    using client = await openClient(registry.dataDir);
    await sender(registry, '=cmd|calc:wrong')('GET', '/v2/');
    await noted(client, { kind: 'loginFailed', user: '=cmd|calc' }, 1);
    const all = await allAudit(client);

    const ndjson = await berth.run('activity', '--export', 'ndjson');
    const csv = await berth.run('activity', '--csv', '--kind', 'loginFailed');
    const shown = await berth.run('activity', '--limit', '2');

    assert.deepEqual(
      ndjson
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as AuditRow).id),
      all.map(({ id }) => id),
    );
    const [head, line] = csv.split('\r\n');
    assert.equal(
      head,
      'at,kind,outcome,user,address,client,repository,tag,digest,from,subject,detail,count,requestId,failedRequest',
    );
    assert.match(line ?? '', /^2\d{3}-[^,]+,loginFailed,failed,"'=cmd\|calc",127\.0\.0\.1,/);
    assert.equal(shown.trim().split('\n').length, 2);
  });

  test('keeps every acknowledged write when the process is killed', async () => {
    const folder = resources.use(await startWithUsers(wireUsers));
    await folder.stop();
    const pushed: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      await using victim = await startRegistry({ auth: 'htpasswd', dataDir: folder.dataDir });
      const send = sender(victim, 'dev:dev');
      const enough = Promise.withResolvers<void>();
      const pushing = Promise.allSettled(
        ['a', 'b', 'c', 'd'].map(async (lane) => {
          for (let n = 0; ; n += 1) {
            const tag = `${round}-${lane}-${n}`;
            const digest = await pushImage(send, `killed/${lane}`, tag, { layers: [tag] });
            pushed.push(`${tag} ${digest}`);
            if (pushed.length >= (round + 1) * 40) enough.resolve();
          }
        }),
      );
      await enough.promise;
      await victim.kill('SIGKILL');
      await pushing;
    }

    await using again = await startRegistry({ auth: 'htpasswd', dataDir: folder.dataDir });
    using client = await openClient(again.dataDir);
    const entries = await allAudit(client, { kind: 'tagMoved' });
    const manifests = new Set((await allAudit(client, { kind: 'pushed' })).map(({ digest }) => digest));

    const moves = new Set(entries.map(({ tag, digest }) => `${tag} ${digest}`));
    assert.ok(pushed.length >= 80);
    assert.deepEqual(
      pushed.filter((each) => !moves.has(each) || !manifests.has(each.split(' ')[1])),
      [],
    );
    assert.equal(moves.size, entries.length, 'no move is noted twice');
    const history = await client.call('history.list', { repository: 'killed/a' });
    assert.ok(history.rows.every((row) => row.client === 'unknown' || row.client === undefined));
  });
});

suite('the log and its levels', () => {
  test('lines are printed and the command ends; by request, part, text and pattern', async () => {
    await using registry = await startWithUsers(wireUsers);
    const berth = berthOn(registry.dataDir);
    const answer = await sender(registry, 'dev:dev')('GET', '/v2/_catalog?marker=one');
    const id = String(answer.headers['x-request-id']);
    await pushBlob(sender(registry, 'dev:dev'), 'log/app', 'bytes');

    const all = await berth.run('logs');
    const ofRequest = await berth.run('logs', '--request', id);
    const stored = await berth.run('logs', '--sys', 'store', '--grep', '/blob (stored|mounted)/');
    const young = await berth.run('logs', '--since', '1h', '--level', 'error');
    const json = await berth.run('logs', '--json', '--request', id);
    const slow = await berth.try('logs', '--grep', String.raw`/(a)\1/`);

    assert.match(all, /msg="listening on/);
    assert.match(ofRequest, /^[^\n]*marker=one[^\n]*\n$/);
    assert.match(stored, /^[^\n]*msg="blob stored"[^\n]*\n$/);
    assert.equal(young, '');
    assert.equal((JSON.parse(json) as Record<string, unknown>)['http.request.id'], id);
    assert.equal(slow.code, 2);
    assert.match(slow.stderr, /^USAGE: The pattern .* cannot be used/);
  });

  test('a level falls back by itself, and everybody is told', async () => {
    await using registry = await startWithUsers(wireUsers);
    using client = await openClient(registry.dataDir);
    const told = (async () => {
      let count = 0;
      for await (const items of client.subscribe('feed', {}, { signal: AbortSignal.timeout(patienceMs) })) {
        count += items.filter(({ kind }) => kind === 'levelsChanged').length;
        if (count >= 2) return;
      }
      assert.fail('the level did not fall back');
    })();

    const set = await berthOn(registry.dataDir).run('log-level', 'store', 'debug', '--for', '1s');
    await told;
    const { store } = await client.call('logs.levels', {});

    assert.match(set, /^store {3}debug {2}until \S+, then info$/m);
    assert.equal(store, 'info');
    assert.deepEqual(await client.call('logs.reverts', {}), {});
  });
});

const [outside] = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ family, internal }) => family === 'IPv4' && !internal);

suite('eight staged mistakes', needs('skopeo'), () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let full: TestRegistry;
  before(async () => {
    registry = resources.use(
      await startWithUsers(wireUsers, {
        listen: '0.0.0.0:0',
        env: { BERTH_STORAGE_PROTECTEDTAGS: '["**:v*"]', BERTH_LIMITS_MANIFESTBYTES: '100000' },
      }),
    );
    full = resources.use(await startRegistry({ env: { BERTH_STORAGE_RESERVE_BYTES: '1000TiB' } }));
    await pushImage(sender(registry, 'dev:dev'), 'team/app', 'v1');
  });
  after(() => resources.disposeAsync());

  const mistakes: Readonly<
    Record<string, { act: () => Promise<unknown>; on?: () => TestRegistry; action: string; says: RegExp }>
  > = {
    untrusted: {
      act: () => run('skopeo', ['inspect', '--no-creds', `docker://${registry.address}/any:1`]),
      action: 'berth trust add',
      says: /does not trust/,
    },
    plainHttp: {
      act: () => request(`http://${outside?.address}:${registry.port}`, { path: '/v2/' }),
      action: 'berth cert export-ca',
      says: /speaks HTTPS/,
    },
    wrongPassword: {
      async act() {
        for (let times = 0; times < 3; times += 1) await sender(registry, 'dev:wrong')('GET', '/v2/');
      },
      action: 'berth user passwd dev',
      says: /password is wrong/,
    },
    noPermission: {
      act: () => sender(registry, 'reader:reader')('POST', '/v2/team/app/blobs/uploads/'),
      action: 'berth user role reader push --repositories team/app',
      says: /reader may not push in team\/app/,
    },
    storageFull: {
      on: () => full,
      act: () => sender(full)('POST', '/v2/team/app/blobs/uploads/'),
      action: 'berth gc',
      says: /disk/i,
    },
    hostDenied: {
      act: () => sender(registry)('GET', '/v2/', { headers: { host: 'evil.example' } }),
      action: 'berth config print',
      says: /host name/,
    },
    tagProtected: {
      act: () =>
        putManifest(sender(registry, 'dev:dev'), 'team/app', 'v1', imageOf([], { annotations: { a: 'b' } })),
      action: 'berth history team/app:v1',
      says: /protected by the rule \*\*:v\*/,
    },
    uploadLimit: {
      act: () => putManifest(sender(registry, 'dev:dev'), 'team/app', '2', Buffer.alloc(100_001, 32)),
      action: 'berth config print',
      says: /larger than 100000 bytes/,
    },
  };

  for (const [code, { act, on, action, says }] of Object.entries(mistakes)) {
    const skip = code === 'plainHttp' && outside === undefined;
    test(
      `${code}: the right card, once`,
      skip ? { skip: 'needs an address that is not loopback' } : {},
      async () => {
        using client = await openClient((on?.() ?? registry).dataDir);
        const told = (async () => {
          for await (const items of client.subscribe(
            'feed',
            {},
            { signal: AbortSignal.timeout(patienceMs) },
          )) {
            const card = items.find((item) => item.card?.code === code)?.card;
            if (card !== undefined) return card;
          }
          return assert.fail('no card was told of');
        })();
        // The subscription stands when this is answered.
        const earlier = await client.call('cards.list', {});

        await act();
        const { id } = await told;
        const found = (await client.call('cards.list', {})).filter((card) => card.id === id);
        await client.call('cards.dismiss', { id });
        const left = await client.call('cards.list', {});

        assert.deepEqual(
          found.map((card) => [card.code, card.action]),
          [[code, action]],
        );
        assert.match(found[0]?.message ?? '', says);
        assert.deepEqual([earlier, left], [[], []]);
      },
    );
  }
});
