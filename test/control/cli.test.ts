/** The verbs that ask a running registry, as a person types them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { type Berth, berthOn } from '../support/berth.ts';
import { cli } from '../support/cli.ts';
import { request } from '../support/http.ts';
import { childEnv } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const user = { name: 'dev', role: 'admin', password: 'correct horse' } as const;

suite('a running registry and the command line', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let berth: Berth;
  before(async () => {
    registry = resources.use(await startRegistry({ auth: 'htpasswd', users: { [user.name]: user } }));
    berth = berthOn(registry.dataDir);
  });
  after(() => resources.disposeAsync());

  const send = async (method: string, path: string, body?: string, type?: string) => {
    const { status } = await request(registry.url, {
      method,
      path,
      ca: registry.ca,
      user: `${user.name}:${user.password}`,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    return status;
  };

  /** Pushes an image of one layer with that text, and answers the digest of its manifest. */
  async function push(repository: string, tag: string, text: string): Promise<string> {
    const descriptors = [];
    for (const bytes of ['{}', text]) {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      assert.equal(
        await send(
          'POST',
          `/v2/${repository}/blobs/uploads/?digest=${digest}`,
          bytes,
          'application/octet-stream',
        ),
        201,
      );
      descriptors.push({ mediaType: 'application/vnd.test', digest, size: bytes.length });
    }
    const [config, layer] = descriptors;
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] });
    assert.equal(await send('PUT', `/v2/${repository}/manifests/${tag}`, manifest, mediaType), 201);
    return `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  }

  const pulls = async (repository: string, tag: string): Promise<boolean> =>
    (await send('GET', `/v2/${repository}/manifests/${tag}`)) === 200;

  test('repositories, tags and moves are listed with who and how much', async () => {
    const first = await push('list/app', '1', 'one');
    const second = await push('list/app', '2', 'two');
    await push('list/app', '1', 'two');
    await push('list/app', '2', 'two');

    const repositories = (await berth.json('ls', '--filter', 'list/')) as readonly Record<string, unknown>[];
    const tags = (await berth.json('tags', 'list/app', '--sort', 'name')) as readonly Record<
      string,
      unknown
    >[];
    const moves = (await berth.json('history', 'list/app:1')) as readonly Record<string, unknown>[];
    const again = await berth.run('history', 'list/app:2');

    assert.deepEqual(
      repositories.map(({ name, tagCount, untaggedCount }) => [name, tagCount, untaggedCount]),
      [['list/app', 2, 1]],
    );
    assert.deepEqual(
      tags.map(({ tag, digest, pushedBy }) => [tag, digest, pushedBy]),
      [
        ['1', second, 'dev'],
        ['2', second, 'dev'],
      ],
    );
    assert.deepEqual(
      moves.map(({ kind, from, to, by }) => [kind, from, to, by]),
      [
        ['move', first, second, 'dev'],
        ['move', undefined, first, 'dev'],
      ],
    );
    assert.deepEqual(
      again.split('\n').map((line) => line.split('\t')[2]),
      ['again', 'move', undefined],
    );
  });

  test('a tag is rolled back to what it meant', async () => {
    const first = await push('roll/app', '1', 'good');
    const second = await push('roll/app', '1', 'bad');

    const said = await berth.run('tag', 'roll/app:1', first);
    const [row] = (await berth.json('tags', 'roll/app')) as readonly { readonly digest: string }[];
    const foreign = await berth.try('tag', 'roll/app:1', `sha256:${'0'.repeat(64)}`);

    assert.equal(said, `roll/app:1 means ${first} now, and meant ${second}.\n`);
    assert.equal(row?.digest, first);
    assert.equal(foreign.code, 5);
    assert.match(foreign.stderr, /^MANIFEST_UNKNOWN: /);
  });

  test('what is deleted lies in the trash and comes back, a tag as well as a repository', async () => {
    await push('bin/app', '1', 'one');
    await push('bin/app', '2', 'two');

    const said = await berth.run('rm', 'bin/app:1');
    const isGone = !(await pulls('bin/app', '1'));
    const [, id = ''] = /berth restore (\S+)\n/.exec(said) ?? [];
    await berth.run('restore', id);
    const isBack = await pulls('bin/app', '1');
    const refused = await berth.try('rm', 'bin/app');
    const [{ trash } = { trash: [] }] = (await berth.json('rm', 'bin/app', '--yes')) as readonly {
      readonly trash: readonly string[];
    }[];
    const left = (await berth.json('ls', '--filter', 'bin/')) as readonly unknown[];
    await berth.run('restore', ...trash);

    assert.deepEqual([isGone, isBack, refused.code, left], [true, true, 4, []]);
    assert.deepEqual([await pulls('bin/app', '1'), await pulls('bin/app', '2')], [true, true]);
    assert.equal((await berth.try('restore', id)).code, 5);
  });

  test('a tag that means something else by now is named and left', async () => {
    await push('bin/moved', '1', 'former');
    const said = await berth.run('rm', 'bin/moved:1');
    const [, id = ''] = /berth restore (\S+)\n/.exec(said) ?? [];
    const newer = await push('bin/moved', '1', 'newer');

    const restored = await berth.run('restore', id);

    assert.match(restored, /^Restored bin\/moved@sha256:[0-9a-f]{64}\.$/m);
    assert.match(restored, new RegExp(`^bin/moved:1 was left as it is: it means ${newer} by now\\.$`, 'm'));
  });

  test('what nobody needs is counted, and what was just pushed is kept', async () => {
    await push('room/app', '1', 'a layer of its own');
    await berth.run('rm', 'room/app', '--yes');
    await berth.run('trash', 'empty', '--yes');

    const plan = (await berth.json('gc', '--dry-run')) as {
      readonly bytes: number;
      readonly keptBytes: number;
    };
    const run = (await berth.json('gc')) as { readonly bytes: number; readonly keptBytes: number };
    const usage = (await berth.json('du')) as { readonly reclaimableBytes: number };

    assert.ok(plan.bytes >= 'a layer of its own'.length);
    assert.deepEqual(
      [plan.keptBytes, run.bytes, run.keptBytes, usage.reclaimableBytes],
      [plan.bytes, 0, plan.bytes, plan.bytes],
    );
  });

  test('names that do not exist are told with the nearest one', async () => {
    await push('near/frontend', '1', 'x');

    for (const args of [
      ['tags', 'near/frontent'],
      ['rm', 'near/frontent:1'],
    ]) {
      const { code, stderr } = await berth.try(...args);
      assert.equal(code, 5);
      assert.match(stderr, /did you mean near\/frontend\?/);
    }
    const { code, stderr } = await berth.try('tags', 'UPPER');
    assert.deepEqual(
      [code, stderr.split('\n')[0]],
      [2, 'USAGE: The arguments of tags.list do not fit: repository: not a repository name.'],
    );
  });

  test('what happens is seen as it happens', async () => {
    const child = spawn(process.execPath, [cli, 'activity', '-f', '--json', '--data', registry.dataDir], {
      env: childEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const seen: string[] = [];
    // The subscription stands before the first answer, which the push is repeated for.
    const pushing = (async () => {
      for (let at = 0; child.exitCode === null && !child.killed; at += 1)
        await push('live/app', 'x', String(at));
    })();
    for await (const line of createInterface({ input: child.stdout })) {
      const { audit = {} } = JSON.parse(line) as { readonly audit?: Record<string, unknown> };
      const { kind, repository, user: by } = audit;
      if (repository === 'live/app') seen.push(`${String(kind)} ${String(by)}`);
      if (seen.includes('tagMoved dev')) break;
    }
    child.kill();
    await Promise.all([closed, pushing]);

    assert.ok(seen.includes('tagMoved dev'), seen.join());
  });

  test('levels are changed while it runs', async () => {
    const set = (await berth.json('log-level', 'store', 'trace')) as Readonly<Record<string, string>>;
    const shown = (await berth.json('log-level')) as Readonly<Record<string, string>>;

    assert.deepEqual([set['store'], shown['store'], shown['http']], ['trace', 'trace', 'info']);
  });

  test('the door is a socket that only its owner can open, and it goes with the process', async () => {
    const { registry: own, dataDir } = await startAnother();
    const socket = join(dataDir, 'berth', 'admin.sock');

    const { mode } = await stat(socket);
    await own.stop();

    assert.equal(mode & 0o777, 0o600);
    await assert.rejects(stat(socket), { code: 'ENOENT' });
    assert.equal((await berthOn(dataDir).try('status')).code, 3);
  });

  test('an index that is lost, or garbage, is made anew, and nothing is missing', async () => {
    await push('lost/app', '1', 'one');
    await push('lost/app', '1', 'two');
    const look = async (on: Berth) => [
      await on.json('tags', 'lost/app'),
      await on.json('history', 'lost/app'),
      ((await on.json('ls')) as readonly unknown[]).length,
    ];
    const whole = await look(berth);
    await registry.stop();
    await rm(join(registry.dataDir, 'berth', 'index.sqlite'));

    registry = resources.use(await startRegistry({ auth: 'htpasswd', dataDir: registry.dataDir }));
    const found = await berth.json('index', 'rebuild').then(() => look(berth));

    assert.deepEqual(found, whole);
  });

  async function startAnother() {
    const dataDir = join(registry.dataDir, 'another');
    return { registry: resources.use(await startRegistry({ dataDir })), dataDir };
  }
});
