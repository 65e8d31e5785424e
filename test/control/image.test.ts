/** Images and artifacts as the control plane tells them: pushed by skopeo and by hand, asked over the socket and by berth. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, suite, test } from 'node:test';
import { createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import { type TarInput, writeTar } from '../../registry/archive/tar.ts';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import type { RawText } from '../../registry/spec/admin/image.ts';
import { type ErrorCode, isAppError } from '../../registry/spec/errors.ts';
import { type Berth, berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociConfig = 'application/vnd.oci.image.config.v1+json';
const ociLayer = 'application/vnd.oci.image.layer.v1.tar';
const emptyConfig = 'application/vnd.oci.empty.v1+json';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: object;
}

function shaOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function fails(code: ErrorCode, message = /./) {
  return (error: unknown): boolean => isAppError(error, code) && message.test(error.message);
}

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** The most that a process has had in memory. */
async function peakMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

suite('what an image holds', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let client: AdminClient;
  let berth: Berth;
  before(async () => {
    const env = { BERTH_STORAGE_PROTECTEDTAGS: '["**:v*"]', BERTH_VALIDATION_SPARSE: 'true' };
    registry = resources.use(await startRegistry({ env }));
    client = resources.use(await openClient(registry.dataDir));
    berth = berthOn(registry.dataDir);
  });
  after(() => resources.disposeAsync());

  async function send(method: string, path: string, body: Uint8Array | string, type: string): Promise<void> {
    const headers = { 'content-type': type };
    const { status, body: said } = await request(registry.url, {
      method,
      path,
      body,
      headers,
      ca: registry.ca,
    });
    assert.equal(status, 201, `${path}: ${String(said)}`);
  }

  async function blob(
    repository: string,
    bytes: Uint8Array | string,
    mediaType: string,
  ): Promise<Descriptor> {
    const digest = shaOf(bytes);
    await send(
      'POST',
      `/v2/${repository}/blobs/uploads/?digest=${digest}`,
      bytes,
      'application/octet-stream',
    );
    return { mediaType, digest, size: Buffer.byteLength(bytes) };
  }

  /** Puts a manifest under a tag, or under its digest without one. */
  async function manifest(
    repository: string,
    parts: Readonly<Record<string, unknown>>,
    tag?: string,
  ): Promise<Descriptor> {
    const mediaType = parts['manifests'] === undefined ? ociManifest : ociIndex;
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...parts });
    const digest = shaOf(text);
    await send('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, text, mediaType);
    return { mediaType, digest, size: text.length };
  }

  async function image(
    repository: string,
    {
      layers = [],
      config = {},
      more = {},
    }: { layers?: readonly Uint8Array[]; config?: unknown; more?: object },
    tag?: string,
  ): Promise<Descriptor> {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    const about = await blob(repository, text, ociConfig);
    const stored: Descriptor[] = [];
    for (const each of layers) stored.push(await blob(repository, each, ociLayer));
    return await manifest(repository, { config: about, layers: stored, ...more }, tag);
  }

  const layer = (...entries: readonly TarInput[]): Buffer => writeTar(entries);
  const file = (name: string, text: string): TarInput => ({ name, bytes: Buffer.from(text) });

  suite('pushed by skopeo', needs('skopeo', 'busybox', 'openssl'), () => {
    const skopeo = async (...args: readonly string[]): Promise<string> => await succeed('skopeo', args);
    before(async () => {
      const out = join(registry.dataDir, 'layout');
      await makeImage({ out, layers: 2, platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] });
      const name = `docker://${registry.address}/skopeo`;
      await skopeo('copy', '--all', '--dest-tls-verify=false', `oci:${out}:1`, `${name}/multi:1`);
      for (const [tag, format] of [
        ['oci', 'oci'],
        ['v2', 'v2s2'],
      ] as const) {
        await skopeo(
          'copy',
          '--dest-tls-verify=false',
          '--format',
          format,
          `oci:${out}:1`,
          `${name}/one:${tag}`,
        );
      }
    });

    for (const [name, platform] of [
      ['multi:1', 'linux/amd64'],
      ['multi:1', 'linux/arm64'],
      ['multi:1', 'linux/arm/v7'],
      ['one:oci', undefined],
      ['one:v2', undefined],
    ] as const) {
      test(`${name} for ${platform ?? 'this machine'} says what skopeo says`, async () => {
        const [repository = '', reference = ''] = `skopeo/${name}`.split(':');
        const [, architecture, variant] = platform?.split('/') ?? [];
        const override = [
          ...(architecture === undefined ? [] : ['--override-arch', architecture]),
          ...(variant === undefined ? [] : ['--override-variant', variant]),
        ];
        const ref = `docker://${registry.address}/skopeo/${name}`;
        const read = async (...args: readonly string[]): Promise<unknown> =>
          JSON.parse(await skopeo(...override, 'inspect', '--tls-verify=false', ...args, ref));

        const detail = await client.call('images.get', { repository, reference, platform });

        const said = (await read('--config')) as {
          readonly os: string;
          readonly architecture: string;
          readonly created: string;
          readonly config: {
            readonly Env: readonly string[];
            readonly Cmd: readonly string[];
            readonly Labels: Readonly<Record<string, string>>;
          };
        };
        const { Layers, Digest } = (await read()) as {
          readonly Layers: readonly string[];
          readonly Digest: string;
        };
        const { config } = detail;
        assert.deepEqual(
          {
            os: config?.os,
            architecture: config?.architecture,
            created: config?.created,
            Env: config?.env.map((each) => `${each.name}=${each.value}`),
            Cmd: config?.cmd,
            Labels: Object.fromEntries(config?.labels.map((each) => [each.name, each.value]) ?? []),
          },
          {
            os: said.os,
            architecture: said.architecture,
            created: said.created,
            Env: said.config.Env,
            Cmd: said.config.Cmd,
            Labels: said.config.Labels,
          },
        );
        assert.deepEqual(
          detail.layers.map(({ digest }) => digest),
          Layers,
        );
        assert.deepEqual([detail.digest, detail.kind, detail.notes], [Digest, 'image', []]);
        assert.equal(
          detail.layers.at(-1)?.cumulativeBytes,
          detail.layers.reduce((sum, { size }) => sum + size, 0),
        );
      });
    }

    test('the children of an index are listed, and another platform is refused with those that are there', async () => {
      const query = { repository: 'skopeo/multi', reference: '1' };

      const { children, layers } = await client.call('images.get', query);

      assert.deepEqual(
        children.map(({ platform, isAttestation }) => [platform, isAttestation]),
        [
          ['linux/amd64', false],
          ['linux/arm64', false],
          ['linux/arm/v7', false],
        ],
      );
      for (const child of children) {
        const { bytes, config } = await client.call('images.get', { ...query, reference: child.digest });
        assert.equal(child.totalBytes, bytes.total);
        // An image that says 1970 says nothing.
        assert.equal(Date.parse(child.createdAt ?? '1970-01-01'), Date.parse(config?.created ?? ''));
      }
      // The data layers are in all three platforms and in the images of the other repository.
      assert.ok((layers.at(-1)?.sharedWith ?? 0) >= 2);
      await assert.rejects(
        client.call('images.get', { ...query, platform: 'windows/amd64' }),
        fails('MANIFEST_UNKNOWN', /nothing for "windows\/amd64".*linux\/amd64, linux\/arm64, linux\/arm\/v7/),
      );
    });

    test('berth prints it, and writes the raw manifest with its digest', async () => {
      const page = await berth.run('inspect', 'skopeo/multi:1', '--platform', 'linux/arm64');
      const raw = await berth.run('inspect', 'skopeo/multi:1', '--raw');
      const table = await berth.run('layers', 'skopeo/one:oci');
      const { digest } = (await berth.json('inspect', 'skopeo/multi:1')) as { readonly digest: string };

      assert.match(page, /^platform: +linux\/arm64$/m);
      assert.match(page, /^command: +\["\/bin\/echo","hello from berth"\]$/m);
      assert.equal(shaOf(raw), digest);
      assert.equal(table.split('\n').length, 4);
    });
  });

  test('tags, protection, digest and tag of one manifest agree', async () => {
    const { digest } = await image('names/app', { config: { os: 'linux' } }, 'v1');
    await image('names/app', { config: { os: 'linux' } }, 'latest');

    const byTag = await client.call('images.get', { repository: 'names/app', reference: 'v1' });
    const byDigest = await client.call('images.get', { repository: 'names/app', reference: digest });

    assert.deepEqual(byTag, byDigest);
    assert.deepEqual(byTag.tags, [{ tag: 'latest' }, { tag: 'v1', protectedBy: '**:v*' }]);
    await assert.rejects(
      client.call('images.get', { repository: 'names/ap', reference: 'v1' }),
      fails('NAME_UNKNOWN', /did you mean names\/app/),
    );
    for (const reference of ['v2', shaOf('nothing')]) {
      await assert.rejects(
        client.call('images.get', { repository: 'names/app', reference }),
        fails('MANIFEST_UNKNOWN'),
      );
    }
    await assert.rejects(
      client.call('images.get', { repository: 'names/app', reference: '../x' }),
      fails('USAGE', /neither a tag nor a digest/),
    );
  });

  test('the history is a Dockerfile whose steps know their layers', async () => {
    const layers = [layer(file('a', '1')), layer(file('b', '2'))];
    const config = {
      history: [
        { created: '2026-01-01T00:00:00Z', created_by: '/bin/sh -c #(nop) ADD file:1 in / ' },
        { created_by: '/bin/sh -c #(nop)  CMD ["sh"]', empty_layer: true },
        { created_by: 'RUN /bin/sh -c make # buildkit', comment: 'buildkit.dockerfile.v0' },
      ],
    };
    await image('history/app', { layers, config }, '1');

    const detail = await client.call('images.get', { repository: 'history/app', reference: '1' });

    assert.deepEqual(
      detail.history.map(({ command, isEmpty, layer: at }) => [command, isEmpty, at]),
      [
        ['ADD file:1 /', false, 0],
        ['CMD ["sh"]', true, undefined],
        ['RUN make', false, 1],
      ],
    );
    assert.deepEqual(
      detail.layers.map(({ command }) => command),
      ['ADD file:1 /', 'RUN make'],
    );
    assert.match(
      await berth.run('inspect', 'history/app:1'),
      /\nFROM scratch\nADD file:1 \/\nCMD \["sh"\]\nRUN make\n/,
    );
  });

  test('files of a layer say what they change in those below, and are read', async () => {
    const half = writeTar([file('etc/motd', 'hello'), file('etc/gone', 'bye'), file('bin/tool', 'x')]);
    // As zstd:chunked writes: several frames.
    const base = Buffer.concat([
      zstdCompressSync(half.subarray(0, 700)),
      zstdCompressSync(half.subarray(700)),
    ]);
    const top = gzipSync(layer(file('etc/motd', 'welcome'), { name: 'etc/.wh.gone' }, file('new', 'n')));
    const { digest } = await image('files/app', { layers: [base, top] }, '1');
    const query = { repository: 'files/app', digest: shaOf(top) };

    const compared = await client.call('layers.files', { ...query, image: digest });
    const alone = await client.call('layers.files', { ...query, path: 'etc' });
    const read = await client.call('layers.file', { ...query, path: 'etc/motd' });
    const printed = await berth.run('layers', 'files/app:1', '--files', '2');
    const shown = await berth.run('layers', 'files/app:1', '--files', '1', '--show', 'etc/gone');

    assert.deepEqual(
      compared.rows.map(({ path, change, wastedBytes }) => [path, change, wastedBytes]),
      [
        ['etc', undefined, undefined],
        ['etc/gone', 'removed', 3],
        ['etc/motd', 'modified', 5],
        ['new', 'added', undefined],
      ],
    );
    assert.deepEqual(
      alone.rows.map(({ path, change }) => [path, change]),
      [
        ['etc/gone', 'removed'],
        ['etc/motd', undefined],
      ],
    );
    assert.deepEqual([compared.files, compared.total, read.text], [2, 4, 'welcome']);
    assert.match(printed, /^modified\tfile\t0644\t0:0\t7B\tetc\/motd$/m);
    assert.equal(shown, 'bye');
    await assert.rejects(
      client.call('layers.files', { ...query, image: shaOf('none') }),
      fails('MANIFEST_UNKNOWN'),
    );
    const other = await image('files/app', { layers: [base] });
    await assert.rejects(
      client.call('layers.files', { ...query, image: other.digest }),
      fails('BLOB_UNKNOWN', /has no layer/),
    );
  });

  test('two images are compared: layers, size, variables, labels, and the rest of the config', async () => {
    const [base, one, two] = [
      layer(file('base', 'b')),
      layer(file('one', '1')),
      layer(file('two', '22'), file('three', '3')),
    ];
    const configOf = (more: object) => ({ os: 'linux', config: { User: 'app', ...more } });
    await image(
      'compare/app',
      { layers: [base, one], config: configOf({ Env: ['A=1', 'OLD=x', 'API_TOKEN=secret1'], Cmd: ['a b'] }) },
      '1',
    );
    await image(
      'compare/app',
      {
        layers: [base, two],
        config: configOf({ Env: ['A=2', 'API_TOKEN=secret2'], Cmd: ['a', 'b'], Labels: { l: 'v' } }),
      },
      '2',
    );

    const result = await client.call('images.compare', { repository: 'compare/app', a: '1', b: '2' });
    const printed = await berth.run('compare', 'compare/app:1', '2');

    const digests = (rows: readonly { readonly digest: string }[]): readonly string[] =>
      rows.map(({ digest }) => digest);
    assert.deepEqual(
      [digests(result.common), digests(result.onlyA), digests(result.onlyB)],
      [[shaOf(base)], [shaOf(one)], [shaOf(two)]],
    );
    assert.deepEqual(result.env, [
      { name: 'A', a: '1', b: '2', isSecretLooking: false },
      { name: 'API_TOKEN', a: 'secret1', b: 'secret2', isSecretLooking: true },
      { name: 'OLD', a: 'x', isSecretLooking: false },
    ]);
    assert.deepEqual(result.labels, [{ name: 'l', b: 'v', isSecretLooking: false }]);
    assert.deepEqual(result.config, [{ name: 'cmd', a: '["a b"]', b: '["a","b"]', isSecretLooking: false }]);
    assert.equal(result.grownBytes, result.b.bytes - result.a.bytes);
    assert.match(printed, /^variable API_TOKEN\t\*{8}\t\*{8}$/m);
    assert.doesNotMatch(printed, /secret/);
    assert.match(await berth.run('compare', 'compare/app:1', '2', '--reveal'), /secret1\tsecret2/);
    assert.equal((await berth.try('compare', 'compare/app:1', 'names/app:v1')).code, 2);
  });

  test('signatures, packages and provenance are found in every way that they are attached', async () => {
    const repository = 'attached/app';
    const subject = await image(repository, { config: { os: 'linux', architecture: 'amd64' } }, 'plain');
    const bom = JSON.stringify({
      spdxVersion: 'SPDX-2.3',
      packages: [
        { name: 'musl', versionInfo: '1.2' },
        { name: 'busybox', versionInfo: '1.37' },
      ],
    });
    const empty = await blob(repository, '{}', emptyConfig);
    const document = await blob(repository, bom, 'application/spdx+json');
    const sbom = await manifest(repository, {
      artifactType: 'application/spdx+json',
      config: empty,
      layers: [document],
      subject,
    });
    const signature = await manifest(repository, {
      artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      config: empty,
      layers: [empty],
      subject,
      annotations: { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' },
    });
    await manifest(repository, {
      config: empty,
      layers: [empty],
      subject: sbom,
      artifactType: 'application/vnd.cncf.notary.signature',
    });
    const cosigned = await image(repository, { config: { os: 'linux', architecture: 'arm64' } }, 'cosigned');
    await manifest(
      repository,
      { config: empty, layers: [empty] },
      `${cosigned.digest.replace(':', '-')}.sig`,
    );
    const attestation = await manifest(repository, {
      config: empty,
      layers: [
        {
          ...document,
          mediaType: 'application/vnd.in-toto+json',
          annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' },
        },
      ],
    });
    await manifest(
      repository,
      {
        manifests: [
          { ...subject, platform: { os: 'linux', architecture: 'amd64' } },
          {
            ...attestation,
            platform: { os: 'unknown', architecture: 'unknown' },
            annotations: {
              'vnd.docker.reference.type': 'attestation-manifest',
              'vnd.docker.reference.digest': subject.digest,
            },
          },
        ],
      },
      'built',
    );
    const look = async (reference: string) => {
      const { hasSignature, hasSbom, hasProvenance, referrers, children } = await client.call('images.get', {
        repository,
        reference,
      });
      return { found: [hasSignature, hasSbom, hasProvenance], referrers, children };
    };

    const [plain, tagged, built] = [await look('plain'), await look('cosigned'), await look('built')];
    const listed = await client.call('referrers.list', { repository, digest: subject.digest });
    const filtered = await client.call('referrers.list', {
      repository,
      digest: subject.digest,
      artifactType: 'application/spdx+json',
    });
    const packages = await client.call('packages.list', { repository, digest: document.digest, q: 'BUSY' });

    assert.deepEqual(plain, {
      found: [true, true, false],
      referrers: { signature: 1, sbom: 1 },
      children: [],
    });
    assert.deepEqual(tagged, { found: [true, false, false], referrers: {}, children: [] });
    assert.deepEqual(built.found, [true, true, true]);
    assert.deepEqual(
      built.children.map(({ platform, isAttestation }) => [platform, isAttestation]),
      [
        ['linux/amd64', false],
        ['unknown/unknown', true],
      ],
    );
    assert.deepEqual(
      listed.rows.map(({ digest, kind, referrerCount }) => [digest, kind, referrerCount]),
      [
        [sbom.digest, 'sbom', 1],
        [signature.digest, 'signature', 0],
      ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    );
    assert.deepEqual(
      filtered.rows.map(({ digest }) => digest),
      [sbom.digest],
    );
    assert.deepEqual(packages, { rows: [{ name: 'busybox', version: '1.37' }], total: 1, format: 'spdx' });
  });

  test('a chart tells its fields and texts; files of other artifacts have titles that are no paths', async () => {
    const repository = 'artifacts/web';
    const config = await blob(
      repository,
      JSON.stringify({
        name: 'web',
        version: '1.0.0',
        dependencies: [{ name: 'db', version: '2', repository: 'oci://x' }],
      }),
      'application/vnd.cncf.helm.config.v1+json',
    );
    const archive = await blob(
      repository,
      gzipSync(
        layer(
          file('web/Chart.yaml', 'name: web\n'),
          file('web/values.yaml', 'replicas: 1\n'),
          file('web/README.md', `# Web${'!'.repeat(100_000)}`),
          file('web/charts/db/values.yaml', 'not: this\n'),
        ),
      ),
      'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
    );
    const chart = await manifest(repository, { config, layers: [archive] }, '1.0.0');
    const data = await blob(repository, 'some bytes', 'application/vnd.example.data');
    const other = await manifest(repository, {
      artifactType: 'application/vnd.example',
      config: await blob(repository, '{}', emptyConfig),
      layers: [{ ...data, annotations: { 'org.opencontainers.image.title': '../../etc/passwd' } }],
    });

    const helm = await client.call('artifacts.get', { repository, digest: chart.digest });
    const plain = await client.call('artifacts.get', { repository, digest: other.digest });
    const detail = await client.call('images.get', { repository, reference: other.digest });

    assert.deepEqual(
      [helm.kind, helm.chart?.name, helm.chart?.dependencies],
      ['helm', 'web', [{ name: 'db', version: '2', repository: 'oci://x' }]],
    );
    assert.deepEqual([helm.chartYaml, helm.values, helm.readme], ['name: web\n', 'replicas: 1\n', undefined]);
    assert.match(helm.notes.join(), /README\.md has 100005 bytes/);
    assert.deepEqual(plain.files, [
      { digest: data.digest, mediaType: data.mediaType, size: 10, title: '../../etc/passwd' },
    ]);
    assert.deepEqual([detail.kind, detail.config, detail.notes], ['other', undefined, []]);
  });

  test('raw texts come in parts as they are; what is larger than 4 MiB is refused', async () => {
    const repository = 'raw/app';
    const text = `{"text":"${'é'.repeat(200_000)}"}`;
    const config = await blob(repository, text, ociConfig);
    const large = await blob(repository, Buffer.alloc(4 * 1024 * 1024 + 1), 'application/vnd.example');
    const { digest } = await manifest(repository, { config, layers: [large] }, '1');
    const parts: string[] = [];

    for (let offset: number | undefined = 0; offset !== undefined;) {
      const part: RawText = await client.call('images.raw', { repository, digest: config.digest, offset });
      assert.deepEqual([part.mediaType, part.encoding], ['application/json', 'utf8']);
      parts.push(part.text);
      offset = part.next;
    }
    const own = await client.call('images.raw', { repository, digest });

    assert.ok(parts.length > 1);
    assert.equal(parts.join(''), text);
    assert.equal(own.mediaType, ociManifest);
    assert.equal(shaOf(own.text), digest);
    await assert.rejects(
      client.call('images.raw', { repository, digest: large.digest }),
      fails('CONTENT_TOO_LARGE', /4194305 bytes/),
    );
    await assert.rejects(
      client.call('images.raw', { repository, digest: shaOf('none') }),
      fails('BLOB_UNKNOWN'),
    );
  });

  test('what is damaged, foreign or missing is told, never a crash', async () => {
    const repository = 'broken/app';
    const junk = Buffer.from('this is no archive, whatever its type says. '.repeat(40));
    const missing = { mediaType: ociLayer, digest: shaOf('missing'), size: 7 };
    const noJson = await image(repository, { config: 'no JSON', layers: [junk] });
    const odd = await image(repository, { config: '{"config":{"Env":7},"history":null,"os":[]}' });
    const sparse = await manifest(repository, {
      config: { ...missing, mediaType: ociConfig },
      layers: [missing],
    });
    const huge = await image(
      repository,
      {
        config: {
          config: {
            Labels: Object.fromEntries(
              Array.from({ length: 9000 }, (_, at) => [`label-${at}`, 'é'.repeat(40)]),
            ),
          },
        },
      },
      'huge',
    );
    const get = (reference: string) => client.call('images.get', { repository, reference });

    const details = [
      await get(noJson.digest),
      await get(odd.digest),
      await get(sparse.digest),
      await get(huge.digest),
    ];

    assert.deepEqual(
      details.map(({ config, notes }) => [config === undefined, notes]),
      [
        [true, ['The config is not that of an image.']],
        [false, []],
        [true, [`The config ${missing.digest} is not in this repository.`]],
        [true, ['It says more than is shown here; the raw texts have all of it.']],
      ],
    );
    const files = (digest: string) => client.call('layers.files', { repository, digest });
    await assert.rejects(files(shaOf(junk)), fails('CONTENT_UNREADABLE'));
    await assert.rejects(files(missing.digest), fails('BLOB_UNKNOWN', /broken\/app has no blob/));
    await assert.rejects(
      client.call('packages.list', { repository, digest: shaOf(junk) }),
      fails('CONTENT_UNREADABLE'),
    );
    assert.equal((await berth.try('layers', `${repository}@${noJson.digest}`, '--files', '1')).code, 1);
    assert.equal((await berth.try('layers', `${repository}@${noJson.digest}`, '--files', '2')).code, 5);
  });

  test(
    'a layer of 200 MB is listed within little memory, while others are answered',
    linuxOnly,
    async (t) => {
      const pool = randomBytes(4 * 1024 * 1024);
      async function* archive(): AsyncGenerator<Buffer> {
        for (let at = 0; at < 20_000; at++) {
          const start = (at * 7919) % (pool.length - 10_000);
          const entry = { name: `lib/${at % 300}/${at}.bin`, bytes: pool.subarray(start, start + 10_000) };
          yield writeTar([entry]).subarray(0, -1024);
        }
        yield Buffer.alloc(1024);
      }
      const zipped = createGzip({ level: 1 });
      const [bytes] = await Promise.all([buffer(zipped), pipeline(archive(), zipped)]);
      await image('large/app', { layers: [bytes] }, '1');
      // The peak of what came before is forgotten.
      await writeFile(`/proc/${registry.pid}/clear_refs`, '5');
      const least = await peakMib(registry.pid);
      const listed = new AbortController();
      const start = performance.now();

      const listing = client.call('layers.files', {
        repository: 'large/app',
        digest: shaOf(bytes),
        limit: 10,
      });
      const ended = listing.finally(() => listed.abort());
      const waits: number[] = [];
      while (!listed.signal.aborted) {
        const asked = performance.now();
        await request(registry.url, { path: '/livez', ca: registry.ca });
        waits.push(performance.now() - asked);
      }
      const { files, unpackedBytes } = await ended;
      const took = performance.now() - start;
      const again = performance.now();
      await client.call('layers.files', { repository: 'large/app', digest: shaOf(bytes), path: 'lib/7' });
      const tookAgain = performance.now() - again;
      const grown = (await peakMib(registry.pid)) - least;

      t.diagnostic(
        `${files} files, ${(bytes.length / 1e6).toFixed(0)} MB, in ${took.toFixed(0)} ms, once more in ${tookAgain.toFixed(0)} ms; ` +
          `peak memory grew by ${grown} MiB to ${least + grown}; ${waits.length} other requests waited ${Math.max(...waits).toFixed(0)} ms at most`,
      );
      assert.equal(files, 20_000);
      assert.ok(unpackedBytes > 200_000_000);
      assert.ok(grown < 100, `${grown} MiB`);
    },
  );

  test('what an image says never reaches a terminal raw', async () => {
    const evil = '\u001b[2J\u009b31m\u202e\rx';
    const layers = [layer(file(`bin/${evil}`, evil))];
    const config = {
      author: evil,
      config: { Cmd: [evil], Env: [`A=${evil}`], Labels: { [evil]: evil } },
      history: [{ created_by: `RUN ${evil}` }],
    };
    await image('evil/app', { layers, config, more: { annotations: { [evil]: evil } } }, '1');

    const printed = [
      await berth.run('inspect', 'evil/app:1'),
      await berth.run('inspect', 'evil/app:1', '--json'),
      await berth.run('layers', 'evil/app:1'),
      await berth.run('layers', 'evil/app:1', '--files', '1'),
      await berth.run('layers', 'evil/app:1', '--files', '1', '--json'),
      await berth.run('compare', 'evil/app:1', '1'),
      (await berth.try('layers', 'evil/app:1', '--files', '1', '--show', evil)).stderr,
    ];

    // eslint-disable-next-line no-control-regex
    for (const text of printed) assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    assert.match(printed[3] ?? '', /bin\/\\x1b\[2J\\x9b31m\\u\{202e\}\\x0dx/);
  });
});
