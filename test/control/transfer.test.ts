/** Images into files and out of them, with the command line, skopeo and podman, on real processes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import { type Berth, berthOn } from '../support/berth.ts';
import { cli } from '../support/cli.ts';
import { makeImage } from '../support/image.ts';
import { childEnv, run, succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { linuxOnly, residentMiB } from '../support/vitals.ts';
import { unreadableTags } from '../crash/tree.ts';

interface Place extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly berth: Berth;
}

async function openPlace(env: Readonly<Record<string, string>> = {}): Promise<Place> {
  const registry = await startRegistry({ env });
  return {
    registry,
    berth: berthOn(registry.dataDir),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

/** Every tag of a registry and what it means. */
async function meanings({ berth }: Place): Promise<Readonly<Record<string, string>>> {
  const names = (await berth.json('ls')) as readonly { readonly name: string }[];
  const tags = await Promise.all(names.map(({ name }) => berth.json('tags', name, '--sort', 'name')));
  const rows = tags.flat() as readonly {
    readonly repository: string;
    readonly tag: string;
    readonly digest: string;
  }[];
  return Object.fromEntries(rows.map(({ repository, tag, digest }) => [`${repository}:${tag}`, digest]));
}

test(
  'a sample is pushed as any image is: it is listed, noted in the audit, and pulled',
  needs('skopeo'),
  async () => {
    await using place = await openPlace();
    const { registry, berth } = place;
    using client = await openClient(registry.dataDir);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-sample-'));

    const first = await client.call('samples.push', {});
    const second = await client.call('samples.push', {});
    const from = `docker://${registry.address}/sample/hello:latest`;
    await succeed('skopeo', ['copy', '--src-tls-verify=false', from, `dir:${folder.path}`], {
      env: { HOME: folder.path },
    });

    const [row] = await client.call('tags.recent', {});
    const { rows } = await client.call('audit.list', {});
    const hours = await client.call('traffic.get', {});
    assert.deepEqual(second, first);
    assert.deepEqual(
      { repository: row?.repository, tag: row?.tag, digest: row?.digest, platforms: row?.platforms },
      { ...first, platforms: ['linux/amd64'] },
    );
    assert.deepEqual(
      rows.map(({ kind, repository, user }) => [kind, repository, user === row?.pushedBy]).toReversed(),
      [
        ['pushed', 'sample/hello', true],
        ['tagMoved', 'sample/hello', true],
        ['pushed', 'sample/hello', true],
        ['tagMoved', 'sample/hello', true],
      ],
    );
    assert.equal(((await berth.json('ls')) as readonly unknown[]).length, 1);
    assert.equal(hours.length, 24);
    assert.ok((hours.at(-1)?.bytesOut ?? 0) > 100, 'the pull is in the present hour');
  },
);

test('no sample is pushed into a registry that is read-only', async () => {
  await using place = await openPlace({ REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}' });
  using client = await openClient(place.registry.dataDir);

  await assert.rejects(client.call('samples.push', {}), { code: 'STORAGE_READ_ONLY' });
});

suite('bundles and other tools', needs('root', 'skopeo', 'podman', 'busybox', 'openssl'), () => {
  const resources = new AsyncDisposableStack();
  let home: string;
  let here: Place;
  let image: string;
  let index: string;
  before(async () => {
    home = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-transfer-'))).path;
    here = resources.use(await openPlace());
    image = (await makeImage({ out: join(home, 'image'), ref: 'app:1', layers: 2 })).digest;
    const platforms = ['linux/amd64', 'linux/arm64'];
    index = (await makeImage({ out: join(home, 'index'), ref: 'app:1', platforms })).digest;
    await copy(`oci:${home}/image:1`, `docker://${here.registry.address}/team/app:1`);
    await copy(`oci:${home}/index:1`, `docker://${here.registry.address}/team/multi:1`);
  });
  after(() => resources.disposeAsync());

  const copy = (from: string, to: string): Promise<string> =>
    succeed(
      'skopeo',
      ['copy', '--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false', from, to],
      {
        env: { HOME: home, XDG_RUNTIME_DIR: home },
      },
    );
  const pullWhole = async ({ registry }: Place, name: string): Promise<void> => {
    await using folder = await mkdtempDisposable(join(home, 'pulled-'));
    await copy(`docker://${registry.address}/${name}`, `dir:${folder.path}`);
  };
  const podman = (...args: readonly string[]): Promise<string> => {
    const folders = ['root', 'runroot', 'tmpdir'].map((name) => `--${name}=${join(home, `podman-${name}`)}`);
    const own = [...folders, '--storage-driver=vfs', '--cgroup-manager=cgroupfs', '--events-backend=file'];
    const env = { HOME: home, XDG_RUNTIME_DIR: home, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
    return succeed('podman', [...own, ...args], { env });
  };

  test('an export is imported elsewhere with the same digests, from a file and from standard input', async () => {
    await using there = await openPlace();
    const file = join(home, 'both.tar');

    const said = await here.berth.run('export', 'team/app:1', 'team/multi', '-o', file);
    const planned = await there.berth.run('import', file, '--dry-run');
    const nothing = await meanings(there);
    const input = await readFile(file);
    const piped = await run(
      process.execPath,
      [cli, 'import', '-', '--data', there.registry.dataDir, '--json'],
      { input },
    );
    const again = await there.berth.run('import', file, '--into', 'mirror');

    assert.match(said, /^Wrote 2 images, .*both\.tar\.\n$/);
    assert.match(planned, /team\/app:1\tsha256:.*\nWould store [^\n]+ in 7 blobs; the rest was here\.\n$/s);
    assert.deepEqual([nothing, piped.code, piped.stderr], [{}, 0, '']);
    assert.match(again, /Stored 0B in 0 blobs; the rest was here\.\n$/);
    assert.deepEqual(await meanings(there), {
      'mirror/team/app:1': image,
      'mirror/team/multi:1': index,
      'team/app:1': image,
      'team/multi:1': index,
    });
    await pullWhole(there, 'mirror/team/multi:1');
    assert.deepEqual(await readdir(join(there.registry.dataDir, 'berth/tmp')), []);
  });

  test('skopeo reads an export, and what skopeo writes is imported', async () => {
    await using there = await openPlace();
    const [ours, theirs, docker] = ['ours.tar', 'theirs.tar', 'docker.tar'].map((name) => join(home, name));
    const source = `docker://${here.registry.address}/team/multi:1`;
    await here.berth.run('export', 'team/multi:1', '-o', ours ?? '');

    await copy(`oci-archive:${ours}:team/multi:1`, `docker://${there.registry.address}/by/skopeo:1`);
    await copy(source, `oci-archive:${theirs}:team/theirs:1`);
    await there.berth.run('import', theirs ?? '');
    const env = { HOME: home };
    const archive = `docker-archive:${docker}:docker.io/library/saved:1`;
    await succeed('skopeo', ['copy', '--src-tls-verify=false', source, archive], { env });
    await there.berth.run('import', docker ?? '');

    const all = await meanings(there);
    assert.deepEqual([all['by/skopeo:1'], all['team/theirs:1']], [index, index]);
    const args = ['inspect', '--tls-verify=false', '--config', '--raw'];
    const config = await succeed('skopeo', [...args, `docker://${there.registry.address}/library/saved:1`], {
      env,
    });
    assert.equal(config, await succeed('skopeo', [...args, source], { env }));
    assert.deepEqual(await unreadableTags(there.registry.plainUrl, 'library/saved'), []);
  });

  test('podman loads an export, and runs what it has saved after an import', async () => {
    const [file, saved] = [join(home, 'podman.tar'), join(home, 'podman-saved.tar')];
    await here.berth.run('export', 'team/app:1', '-o', file);

    const loaded = await podman('load', '--input', file);
    const [, name = ''] = /Loaded image: (\S+)/.exec(loaded) ?? [];
    const id = (await podman('image', 'inspect', '--format', '{{.Id}}', name)).trim();
    await podman('save', '--output', saved, name);
    await here.berth.run('import', saved, '--rename', `${name}=by/podman:1`);
    const pulled = await podman(
      'pull',
      '--quiet',
      '--tls-verify=false',
      `${here.registry.address}/by/podman:1`,
    );

    assert.match(name, /team\/app:1$/);
    assert.equal(pulled.trim(), id);
  });

  test('a difference is refused without its base, by name', async () => {
    await using there = await openPlace();
    const more = await makeImage({ out: join(home, 'more'), ref: 'app:2', layers: 3 });
    await copy(`oci:${home}/more:2`, `docker://${here.registry.address}/team/app:2`);
    const [base, difference] = [join(home, 'base.tar'), join(home, 'difference.tar')];

    await here.berth.run('export', 'team/app:1', '-o', base);
    const said = await here.berth.run('export', 'team/app:2', '-o', difference, '--since', 'team/app:1');
    const refused = await there.berth.try('import', difference);
    await there.berth.run('import', base);
    await there.berth.run('import', difference);

    assert.match(said, /Left out, because the other images have them: \S+ in 3 blobs\.\n$/);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`^BUNDLE_INCOMPLETE: The bundle builds on team/app@${image}, and`),
    );
    assert.deepEqual(await meanings(there), { 'team/app:1': image, 'team/app:2': more.digest });
    assert.ok((await stat(difference)).size < (await stat(base)).size);
  });

  test('a copy shares its layers, and names are told with the nearest one', async () => {
    const said = await here.berth.run('copy', 'team/multi:1', 'prod/multi:stable');
    const byDigest = await here.berth.run('copy', `team/multi@${index}`, 'prod/multi:2');
    const wrong = await here.berth.try('copy', 'team/mutli:1', 'prod/multi:2');
    const untagged = await here.berth.try('export', 'team/multi:11', '-o', join(home, 'no.tar'));

    assert.equal(said, `prod/multi:stable means ${index} now.\n`);
    assert.equal(byDigest, `prod/multi:2 means ${index} now.\n`);
    assert.deepEqual([wrong.code, untagged.code], [5, 5]);
    assert.match(wrong.stderr, /did you mean team\/multi\?/);
    assert.match(untagged.stderr, /did you mean 1\?/);
    for (const tag of ['stable', '2']) await pullWhole(here, `prod/multi:${tag}`);
  });

  test('a protected tag is not moved, and then nothing of the bundle gets a tag or takes room', async () => {
    await using there = await openPlace({ BERTH_STORAGE_PROTECTEDTAGS: '["**:stable"]' });
    const [app, multi] = [join(home, 'app.tar'), join(home, 'app-and-multi.tar')];
    await here.berth.run('export', 'team/app:1', '-o', app);
    await here.berth.run('export', 'team/multi:1', 'team/app:1', '-o', multi);
    const stable = 'team/app:1=prod/app:stable';
    await there.berth.run('import', app, '--rename', stable);

    const copied = await there.berth.try('copy', 'prod/app:stable', 'prod/other:stable');
    const refused = await there.berth.try('import', multi, '--rename', 'team/multi:1=prod/app:stable');
    const room = (await there.berth.json('du')) as { readonly reclaimableBytes: number };

    assert.deepEqual([copied.code, refused.code], [0, 1]);
    assert.match(
      refused.stderr,
      /^TAG_PROTECTED: The tag stable of prod\/app is protected by the rule \*\*:stable /,
    );
    assert.deepEqual(await meanings(there), { 'prod/app:stable': image, 'prod/other:stable': image });
    assert.equal(room.reclaimableBytes, 0);
  });

  test('paths are refused: in the data directory, where a file is, where nothing can be', async () => {
    const { dataDir } = here.registry;
    const there = join(home, 'there.tar');
    await writeFile(there, 'precious');

    for (const [path, message] of [
      [
        join(dataDir, 'berth/users.tar'),
        /^PATH_REFUSED: ".*users\.tar" lies inside of the data directory\.\n/,
      ],
      [there, /^PATH_REFUSED: ".*there\.tar" exists already\.\n.*--overwrite/],
      [home, /^PATH_REFUSED: ".*" is no plain file\.\n/],
      [
        join(home, 'no/such/folder.tar'),
        /^PATH_REFUSED: The registry cannot write ".*folder\.tar": ENOENT\.\n/,
      ],
    ] as const) {
      const { code, stderr } = await here.berth.try('export', 'team/app:1', '-o', path);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
    assert.equal(await readFile(there, 'utf8'), 'precious');
  });
});

suite('large bundles', needs('busybox', 'openssl', 'skopeo'), () => {
  const resources = new AsyncDisposableStack();
  let home: string;
  let here: Place;
  let file: string;
  before(async () => {
    home = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-large-'))).path;
    here = resources.use(await openPlace());
    file = join(home, 'large.tar');
    const made = join(home, 'made.tar');
    await makeImage({ out: made, ref: 'large/app:1', layers: 3, layerMib: 100, compression: 'none' });
    await here.berth.run('import', made);
    await here.berth.run('export', 'large/app:1', '-o', file);
  });
  after(() => resources.disposeAsync());

  test('memory stays flat while 300 MB go out and in', linuxOnly, async (t) => {
    await using there = await openPlace();
    const watched = [here, there].map(({ registry }) => watchMemory(registry.pid));

    await here.berth.run('export', 'large/app:1', '-o', join(home, 'flat.tar'));
    await there.berth.run('import', join(home, 'flat.tar'));

    const [out = 0, into = 0] = await Promise.all(watched.map((stop) => stop()));
    t.diagnostic(`export +${out} MiB, import +${into} MiB`);
    assert.ok(out < 128 && into < 128, `export +${out} MiB, import +${into} MiB`);
  });

  test('an import that is killed shows nothing, and the next one completes it', async () => {
    await using first = await openPlace();
    const { dataDir } = first.registry;
    const uploads = join(dataDir, 'docker/registry/v2/repositories/large/app/_uploads');
    const importing = first.berth.try('import', file);
    await until(async () => (await bytesBelow(uploads)) > 1_000_000);

    await first.registry.kill('SIGKILL');
    const cut = await importing;
    await using second = await startRegistry({ dataDir });
    const place = { ...first, registry: second };
    const shown = await meanings(place);
    const temp = await readdir(join(dataDir, 'berth/tmp')).catch(() => []);
    await first.berth.run('import', file);

    assert.notEqual(cut.code, 0);
    assert.deepEqual([shown, temp], [{}, []]);
    assert.deepEqual(await unreadableTags(second.plainUrl, 'large/app'), []);
    assert.equal(Object.keys(await meanings(place)).length, 1);
  });

  test('an export that is killed leaves no file, once the registry has started again', async () => {
    await using place = await openPlace();
    await place.berth.run('import', file);
    await using folder = await mkdtempDisposable(join(home, 'killed-'));
    const exporting = place.berth.try('export', 'large/app:1', '-o', join(folder.path, 'x.tar'));
    await until(async () => (await bytesBelow(folder.path)) > 1_000_000);

    await place.registry.kill('SIGKILL');
    await exporting;
    const left = await readdir(folder.path);
    await using _ = await startRegistry({ dataDir: place.registry.dataDir });

    assert.deepEqual([left.length, left.includes('x.tar')], [1, false]);
    assert.deepEqual(await readdir(folder.path), []);
    assert.deepEqual(await readdir(join(place.registry.dataDir, 'berth/exports')), []);
  });

  test('Ctrl-C ends the work in the registry, and leaves no file', async () => {
    await using folder = await mkdtempDisposable(join(home, 'cancelled-'));
    const args = ['export', 'large/app:1', '-o', join(folder.path, 'x.tar'), '--data', here.registry.dataDir];
    const child = spawn(process.execPath, [cli, ...args], {
      env: childEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close');
    await until(async () => (await bytesBelow(folder.path)) > 1_000_000);

    child.kill('SIGINT');
    const [code] = (await closed) as [number];
    await until(async () => (await readdir(folder.path)).length === 0);

    assert.deepEqual([code, stderr], [1, 'CANCELLED: Cancelled.\n']);
  });
});

/** Watches the resident memory of a process; the answer ends it, and says by how many MiB it grew at most. */
function watchMemory(pid: number): () => Promise<number> {
  const isOver = new AbortController();
  const watching = (async () => {
    const start = await residentMiB(pid);
    let most = start;
    while (!isOver.signal.aborted) {
      most = Math.max(most, await residentMiB(pid));
      await delay(20);
    }
    return most - start;
  })();
  return () => {
    isOver.abort();
    return watching;
  };
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(
      async ({ parentPath, name }) => (await stat(join(parentPath, name)).catch(() => undefined))?.size ?? 0,
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(5))
    if (await isTrue()) return;
  throw new Error('it did not come about within 30 seconds');
}
