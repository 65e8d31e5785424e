/** Damage on the disk of a running registry: found, never served whole, healed by a push. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../registry/cli/client.ts';
import type { DamageRow, ScrubRun } from '../../registry/spec/admin/integrity.ts';
import { type Berth, berthOn } from '../support/berth.ts';
import { type Answer, request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

interface Verified {
  readonly run: ScrubRun;
  readonly damaged: readonly DamageRow[];
}

interface Image {
  readonly repository: string;
  readonly manifest: string;
  readonly config: string;
  readonly layers: readonly string[];
  readonly index: string;
  readonly texts: Readonly<Record<string, string | Uint8Array>>;
}

const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
};

function sha(bytes: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const imageOf = (repository: string): Image => {
  const config = `{"name":"${repository}"}`;
  const layers = [`one of ${repository}`.repeat(9), `two of ${repository}`.repeat(9)];
  const descriptor = (text: string) => ({
    mediaType: 'application/vnd.test',
    digest: sha(text),
    size: text.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.image,
    config: descriptor(config),
    layers: layers.map(descriptor),
  });
  const child = { mediaType: types.image, digest: sha(manifest), size: manifest.length };
  const index = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [child] });
  const texts = Object.fromEntries([config, ...layers, manifest, index].map((text) => [sha(text), text]));
  return {
    repository,
    manifest: sha(manifest),
    config: sha(config),
    layers: layers.map(sha),
    index: sha(index),
    texts,
  };
};

/** A client that pushes what the registry says it has not, as docker and skopeo do, and pulls with a check. */
function clientOf(registry: () => TestRegistry) {
  const send = (
    method: string,
    path: string,
    body: string | Uint8Array = '',
    type?: string,
  ): Promise<Answer> =>
    request(registry().plainUrl, {
      method,
      path,
      body,
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });

  async function push({ repository, config, layers, manifest, index, texts }: Image): Promise<void> {
    for (const digest of [config, ...layers]) {
      if ((await send('HEAD', `/v2/${repository}/blobs/${digest}`)).status === 200) continue;
      const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
      const { status, body } = await send('POST', path, texts[digest], 'application/octet-stream');
      assert.equal(status, 201, String(body));
    }
    for (const [reference, digest, type] of [
      [manifest, manifest, types.image],
      ['image', manifest, types.image],
      ['index', index, types.index],
    ] as const) {
      const there = await send('HEAD', `/v2/${repository}/manifests/${reference}`);
      if (there.headers['docker-content-digest'] === digest && there.status === 200) continue;
      const path = `/v2/${repository}/manifests/${reference}`;
      const { status, body } = await send('PUT', path, texts[digest], type);
      assert.equal(status, 201, String(body));
    }
  }

  /** True when all parts arrive whole; false when one is refused or breaks off. Throws for wrong bytes. */
  async function pull({ repository, config, layers, manifest, index }: Image): Promise<boolean> {
    const blobs = [config, ...layers].map((digest) => [`blobs/${digest}`, digest] as const);
    const paths = [
      ...blobs,
      ['manifests/image', manifest],
      ['manifests/index', index],
      [`manifests/${manifest}`, manifest],
    ] as const;
    let isWhole = true;
    for (const [path, digest] of paths) {
      const answer = await send('GET', `/v2/${repository}/${path}`).catch(() => undefined);
      if (answer?.status !== 200) isWhole = false;
      // The answer is whole: what was announced has arrived.
      else assert.equal(sha(answer.body), digest, `${path} was served whole with other bytes`);
    }
    return isWhole;
  }

  return { send, push, pull };
}

suite('damage on the disk of a running registry', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let berth: Berth;
  before(async () => {
    registry = resources.use(await startRegistry());
    berth = berthOn(registry.dataDir);
  });
  after(() => resources.disposeAsync());

  const { send, push, pull } = clientOf(() => registry);
  const fileOf = (digest: string): string => {
    const hex = digest.slice('sha256:'.length);
    return join(registry.dataDir, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  };
  const linkOf = (repository: string, digest: string): string =>
    join(
      registry.dataDir,
      'docker/registry/v2/repositories',
      repository,
      '_layers/sha256',
      digest.slice('sha256:'.length),
      'link',
    );

  async function flip(digest: string): Promise<void> {
    const bytes = await readFile(fileOf(digest));
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await writeFile(fileOf(digest), bytes);
  }

  /** As the command line does, without its start. */
  async function verify(...repositories: readonly string[]): Promise<Verified> {
    using client = await openClient(registry.dataDir);
    const run = await client.call('scrub.run', { repositories: [...repositories] });
    return { run, damaged: (await client.call('damaged.list', { limit: 1000 })).rows };
  }

  const countOf = ({ run }: Verified): number =>
    run.quarantined + run.missing + run.unlinked + run.unreadable;

  const cases: Readonly<
    Record<
      string,
      {
        damage: (image: Image) => Promise<void>;
        found: (image: Image) => Readonly<Record<string, string>>;
        breaks?: readonly string[];
        /** What a person has to do before a push. */
        mend?: (image: Image) => Promise<void>;
      }
    >
  > = {
    'a flipped bit': {
      damage: ({ layers: [layer = ''] }) => flip(layer),
      found: ({ layers: [layer = ''] }) => ({ [layer]: 'quarantined' }),
    },
    'a file that was cut': {
      damage: ({ layers: [layer = ''] }) => truncate(fileOf(layer), 10),
      found: ({ layers: [layer = ''] }) => ({ [layer]: 'quarantined' }),
    },
    'an empty file': {
      damage: ({ layers: [, layer = ''] }) => truncate(fileOf(layer), 0),
      found: ({ layers: [, layer = ''] }) => ({ [layer]: 'quarantined' }),
    },
    'two files that changed places': {
      async damage({ layers: [one = '', two = ''] }) {
        await rename(fileOf(one), `${fileOf(one)}.old`);
        await rename(fileOf(two), fileOf(one));
        await rename(`${fileOf(one)}.old`, fileOf(two));
      },
      found: ({ layers }) => Object.fromEntries(layers.map((layer) => [layer, 'quarantined'])),
    },
    'a file that is gone': {
      damage: ({ layers: [layer = ''] }) => rm(fileOf(layer)),
      found: ({ layers: [layer = ''] }) => ({ [layer]: 'missing' }),
    },
    'a link that is gone': {
      damage: ({ repository, layers: [layer = ''] }) => rm(linkOf(repository, layer)),
      found: ({ layers: [layer = ''] }) => ({ [layer]: 'unlinked' }),
    },
    'a damaged config': {
      damage: ({ config }) => flip(config),
      found: ({ config }) => ({ [config]: 'quarantined' }),
    },
    'a damaged manifest that was read before': {
      damage: ({ manifest }) => flip(manifest),
      found: ({ manifest }) => ({ [manifest]: 'quarantined' }),
    },
    'a damaged index': {
      damage: ({ index }) => flip(index),
      found: ({ index }) => ({ [index]: 'quarantined' }),
      breaks: ['index'],
    },
    'a file that cannot be read': {
      async damage({ layers: [layer = ''] }) {
        if (process.getuid?.() !== 0) return await chmod(fileOf(layer), 0);
        // Root may read everything. This file answers each read with an error.
        await rename(fileOf(layer), `${fileOf(layer)}.old`);
        await symlink('/sys/class/net/lo/speed', fileOf(layer));
      },
      found: ({ layers: [layer = ''] }) => ({ [layer]: 'unreadable' }),
      mend: ({ layers: [layer = ''] }) => rm(fileOf(layer), { force: true }),
    },
  };
  for (const [at, [name, { damage, found, breaks = ['image', 'index'], mend }]] of Object.entries(
    cases,
  ).entries()) {
    const options =
      name.includes('read') && !existsSync('/sys/class/net/lo/speed') ? { skip: 'needs sysfs' } : {};
    test(`${name}: found with the tags it breaks, not served, healed by a push`, options, async () => {
      const image = imageOf(`damaged/case-${at}`);
      await push(image);
      assert.ok(await pull(image));
      await damage(image);
      // Some pulls come before the check; manifests are remembered, blobs are not.
      await pull(image);

      const checked = await verify(image.repository);
      const isServed = await pull(image);
      await mend?.(image);
      await push(image);
      const isHealed = await pull(image);
      const again = await verify(image.repository);

      const rows = checked.damaged.filter(({ repositories }) => repositories.includes(image.repository));
      assert.equal(countOf(checked), rows.length);
      assert.deepEqual(Object.fromEntries(rows.map(({ digest, state }) => [digest, state])), found(image));
      for (const { tags } of rows) {
        assert.deepEqual(
          tags,
          breaks.map((tag) => `${image.repository}:${tag}`),
        );
      }
      assert.deepEqual([isServed, isHealed], [false, true]);
      assert.equal(countOf(again), 0, JSON.stringify(again));
    });
  }

  test('a check of everything after all of that finds nothing, and says so', async () => {
    const { code, stdout } = await berth.try('verify');
    const status = (await berth.json('verify', '--status')) as Verified;
    const { quarantinedBytes } = (await berth.json('du')) as { readonly quarantinedBytes: number };

    assert.match(stdout, /^\d+ blobs with \S+ were checked, 0 are damaged\.\n$/);
    assert.deepEqual([code, status.damaged, quarantinedBytes], [0, [], 0]);
  });

  test('a repository that is not there is told with the nearest name; what is forgotten is no longer listed', async () => {
    const image = imageOf('forget/app');
    await push(image);
    await flip(image.config);

    const unknown = await berth.try('verify', 'forget/ap');
    const checked = await berth.try('verify', image.repository);
    const du = await berth.run('du');
    await berth.run('verify', '--forget', image.config);
    const again = await berth.try('verify', '--forget', image.config);

    assert.equal(unknown.code, 5);
    assert.match(unknown.stderr, /did you mean forget\/app\?/);
    assert.equal(checked.code, 1);
    assert.match(
      checked.stdout,
      /, 1 are damaged\.\n.*\tquarantined\t21B\t.*\tforget\/app:image forget\/app:index\n/,
    );
    assert.match(checked.stderr, /^CONTENT_DAMAGED: /);
    assert.match(du, /put aside: +21B/);
    assert.deepEqual([again.code, again.stderr.split(':')[0]], [5, 'DAMAGE_UNKNOWN']);
    await berth.run('rm', 'forget/app', '--yes');
  });

  test('skopeo heals what was damaged, and pulls it', needs('skopeo', 'busybox'), async () => {
    const image = await makeImage({
      out: join(registry.dataDir, 'image'),
      ref: 'app:1',
      layers: 2,
    });
    const remote = `docker://${registry.address}/skopeo/app:1`;
    const copy = (from: string, to: string, ...more: readonly string[]) =>
      succeed('skopeo', ['--insecure-policy', 'copy', ...more, from, to]);
    const pushImage = () => copy(`oci:${image.out}:1`, remote, '--dest-tls-verify=false');
    await pushImage();
    const manifest = (await send('GET', '/v2/skopeo/app/manifests/1')).json() as {
      readonly layers: readonly { readonly digest: string }[];
    };
    for (const { digest } of manifest.layers) await flip(digest);
    await flip(image.digest);

    const checked = await verify('skopeo/app');
    await pushImage();
    await copy(remote, `oci:${join(registry.dataDir, 'pulled')}:1`, '--src-tls-verify=false');
    const again = await verify('skopeo/app');

    // The layers, too, although nobody can read what the manifest needs.
    assert.equal(checked.run.quarantined, manifest.layers.length + 1);
    assert.equal(countOf(again), 0, JSON.stringify(again));
  });

  test('kill -9 in the middle: the next start goes on where it was, and finds the rest', async () => {
    const repository = 'killed/app';
    const blobs = Array.from({ length: 300 }, () => randomBytes(100 * 1024));
    for (const bytes of blobs) {
      const path = `/v2/${repository}/blobs/uploads/?digest=${sha(bytes)}`;
      assert.equal((await send('POST', path, bytes, 'application/octet-stream')).status, 201);
    }
    const layers = blobs.map((bytes) => ({
      mediaType: 'application/vnd.test',
      digest: sha(bytes),
      size: bytes.length,
    }));
    const config = layers[0];
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers });
    assert.equal((await send('PUT', `/v2/${repository}/manifests/1`, manifest, types.image)).status, 201);
    const damaged = blobs.filter((_, at) => at % 10 === 0).map((bytes) => sha(bytes));
    for (const digest of damaged) await flip(digest);

    // While a client transfers, a slice is read every tenth of a second: there is time to kill it.
    const checked = new AbortController();
    const busy = (async () => {
      while (!checked.signal.aborted) await send('GET', '/v2/_catalog').catch(() => undefined);
    })();
    const checking = berth.try('verify');
    const place = async (): Promise<string | undefined> => {
      const text = await readFile(join(registry.dataDir, 'berth/scrub.json'), 'utf8');
      return (JSON.parse(text) as { readonly after?: string }).after;
    };
    while ((await place()) === undefined) await delay(100);
    const startedAt = await startOfRun();
    await registry.kill('SIGKILL');
    checked.abort();
    await Promise.all([busy, checking]);
    registry = resources.use(await startRegistry({ dataDir: registry.dataDir }));
    const { run, damaged: rows } = await verify();

    const open = rows.filter(({ state }) => state !== 'healed').map(({ digest }) => digest);
    assert.equal(run.startedAt, startedAt);
    assert.equal(run.quarantined, 30);
    assert.deepEqual(open, damaged.toSorted());
  });

  async function startOfRun(): Promise<string | undefined> {
    using client = await openClient(registry.dataDir);
    const { isRunning, current } = await client.call('scrub.status', {});
    return isRunning ? current?.startedAt : undefined;
  }
});

test('a check beside 500 pushes and pulls breaks none, and costs little time', async (t) => {
  await using registry = await startRegistry();
  const berth = berthOn(registry.dataDir);
  const { send, push, pull } = clientOf(() => registry);
  for (let at = 0; at < 16; at++) {
    const bytes = randomBytes(4 * 1024 * 1024);
    const path = `/v2/much/blobs/uploads/?digest=${sha(bytes)}`;
    assert.equal((await send('POST', path, bytes, 'application/octet-stream')).status, 201);
  }
  let next = 0;
  const work = async (count: number): Promise<readonly number[]> => {
    const times: number[] = [];
    const one = async (): Promise<void> => {
      for (let at = 0; at < count / 4; at++) {
        const image = imageOf(`many/app-${next++}`);
        const startedAt = performance.now();
        await push(image);
        assert.ok(await pull(image));
        times.push(performance.now() - startedAt);
      }
    };
    await Promise.all([one(), one(), one(), one()]);
    return times.toSorted((a, b) => a - b);
  };
  const p99 = (times: readonly number[]): number => times[Math.floor(times.length * 0.99)] ?? 0;

  await work(40);
  const alone = await work(120);
  const worked = new AbortController();
  const checks = (async () => {
    let count = 0;
    while (!worked.signal.aborted) {
      await berth.run('verify');
      count++;
    }
    return count;
  })();
  const beside = await work(260);
  worked.abort();
  const count = await checks;

  const factor = p99(beside) / p99(alone);
  t.diagnostic(
    `p99 of push and pull ${p99(alone).toFixed(0)} ms alone, ${p99(beside).toFixed(0)} ms beside ${count} checks: factor ${factor.toFixed(2)}`,
  );
  assert.ok(factor < 3, `factor ${factor}`);
});
