/** berth up, down and restart, as a person types them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { suite, test, type TestContext } from 'node:test';
import { type Berth, berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';

interface Up {
  readonly urls: readonly string[];
  readonly pid: number;
  readonly started: boolean;
  readonly user?: string;
  readonly password?: string;
}

/** A data directory whose registry, if any, is stopped at the end. */
async function open(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-life-'));
  const all = { REGISTRY_HTTP_ADDR: '127.0.0.1:0', ...env };
  const berth: Berth = berthOn(directory.path, all);
  t.after(async () => {
    await berthOn(directory.path).run('down');
    await directory.remove();
  });
  return { root: directory.path, berth };
}

const plain = (url: string | undefined): string => (url ?? '').replace('https:', 'http:');

suite('the registry in the background', () => {
  test('up starts it once, restart makes another process of it, down ends it', async (t) => {
    const { berth, root } = await open(t);

    const first = (await berth.json('up')) as Up;
    const second = (await berth.json('up')) as Up;
    const alive = await request(plain(first.urls[0]), { path: '/v2/' });
    const third = (await berth.json('restart')) as Up;
    const down = await berth.json('down');
    const status = await berth.try('status');
    const again = await berth.json('down');

    assert.equal(first.started, true);
    assert.deepEqual([second.started, second.pid], [false, first.pid]);
    assert.equal(alive.status, 401);
    assert.ok(third.started && third.pid !== first.pid);
    assert.deepEqual(down, { stopped: true, pid: third.pid });
    assert.equal(status.code, 3);
    assert.deepEqual(again, { stopped: false });
    const { mode } = await stat(join(root, 'berth/logs/background.log'));
    assert.equal(mode & 0o777, 0o600);
  });

  test('the password of the first user is not in what a pipe reads', async (t) => {
    const { berth, root } = await open(t);

    const { user, password, urls } = (await berth.json('up')) as Up;
    const secret = (await readFile(join(root, 'berth/first-password'), 'utf8')).trim();
    const login = await request(plain(urls[0]), { path: '/v2/', user: `${user}:${secret}` });
    await berth.run('down');
    const log = await readFile(join(root, 'berth/logs/background.log'), 'utf8');
    const access = await readFile(join(root, 'berth/logs/access.log'), 'utf8');

    assert.equal(login.status, 200);
    assert.match(password ?? '', /^in .*first-password/);
    assert.ok(!log.includes(secret) && !(password ?? '').includes(secret));
    assert.match(access, /"GET \/v2\/ HTTP\/1.1" 200/);
  });

  test('what keeps it from starting is said as berth serve says it', async (t) => {
    await using blocker = createServer();
    blocker.listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const busy = await open(t, { REGISTRY_HTTP_ADDR: `127.0.0.1:${port}` });
    const broken = await open(t);
    await writeFile(join(broken.root, 'config.yml'), 'version: 0.1\nloglevel: loud\n');

    const ends = [
      await busy.berth.try('up'),
      await broken.berth.try('up', '-c', join(broken.root, 'config.yml')),
    ];

    assert.deepEqual(
      ends.map(({ code, stderr }) => [code, /^[A-Z_]+(?=:)/.exec(stderr)?.[0]]),
      [
        [1, 'PORT_BUSY'],
        [2, 'CONFIG_INVALID'],
      ],
    );
    assert.match(ends[0]?.stderr ?? '', new RegExp(`${port}`));
  });

  test('down lets an upload end that has begun', async (t) => {
    const { berth } = await open(t, { REGISTRY_AUTH: 'none' });
    const { urls } = (await berth.json('up')) as Up;
    const base = plain(urls[0]);
    const started = await request(base, { method: 'POST', path: '/v2/team/app/blobs/uploads/' });
    const body = new PassThrough();
    body.write('first half, ');
    const upload = request(base, { method: 'PATCH', path: String(started.headers.location), body });

    const down = berth.json('down');
    await untilRefused(base);
    body.end('second half');

    assert.equal((await upload).status, 202);
    assert.equal(((await down) as { stopped: boolean }).stopped, true);
  });

  test('a registry of the foreground is stopped by down, and not by restart', async (t) => {
    await using registry = await startRegistry();
    t.after(() => registry.stop());
    const berth = berthOn(registry.dataDir);

    const restart = await berth.try('restart');
    const down = await berth.json('down');

    assert.equal(restart.code, 2);
    assert.match(restart.stderr, new RegExp(`process ${registry.pid}\\b`));
    assert.deepEqual(down, { stopped: true, pid: registry.pid });
    // A signal that ends nothing: another SIGTERM could meet the process while it ends.
    assert.deepEqual(await registry.kill('SIGCONT'), { code: 0, signal: null });
  });
});

/** Resolves when a new request is not taken any more: the stop has begun. */
async function untilRefused(base: string): Promise<void> {
  for (;;) {
    const answer = await request(base, { path: '/readyz' }).catch(() => undefined);
    if (answer?.status !== 200) return;
  }
}
