/** A repository as teams have them: an application in some versions and platforms, with what belongs to it. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type TarInput, writeTar } from '../../registry/archive/tar.ts';
import { type Descriptor, digestOf, mediaTypes, type Pusher } from '../support/content.ts';

/** Markup and control characters, as somebody hostile would put them everywhere. */
export const hostile = {
  markup: `"><img src=x onerror="globalThis.isHacked=1"><script>globalThis.isHacked=1</script>`,
  template: '{{constructor.constructor("globalThis.isHacked=1")()}}javascript:globalThis.isHacked=1',
  control: 'safe\u202Eexe.txt\u001b[2J',
} as const;

export const file = (name: string, text: string | Uint8Array): TarInput => ({
  name,
  bytes: typeof text === 'string' ? Buffer.from(text) : text,
});

export const layerOf = (...entries: readonly TarInput[]): Buffer => gzipSync(writeTar(entries));

/** Bytes that do not pack, the same at each run. */
export function noise(seed: string, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at * 32 < length; at++) parts.push(createHash('sha256').update(`${seed} ${at}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

export const baseLayers = [
  layerOf(
    file('bin/', ''),
    file('bin/busybox', noise('busybox', 900_000)),
    file('etc/', ''),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/motd', 'Welcome\n'),
    ...Array.from({ length: 40 }, (_, at) => file(`usr/share/zoneinfo/zone-${at}`, noise(`zone ${at}`, 600))),
  ),
  layerOf(
    file('usr/lib/libssl.so.3', noise('ssl', 640_000)),
    file('usr/lib/libcrypto.so.3', noise('crypto', 1_400_000)),
  ),
];

/** The steps of the base, and an hour later those of the application. */
export function historyOf(version: string): readonly object[] {
  const at = (hour: number, minute: number): string =>
    `2026-03-01T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00Z`;
  return [
    { created: at(8, 0), created_by: 'ADD alpine-minirootfs-3.22.1-x86_64.tar.gz / # buildkit' },
    { created: at(8, 0), created_by: 'CMD ["/bin/sh"]', empty_layer: true },
    {
      created: at(10, 0),
      created_by: 'RUN /bin/sh -c apk add --no-cache openssl ca-certificates tini # buildkit',
    },
    { created: at(10, 0), created_by: 'ENV NODE_ENV=production', empty_layer: true },
    { created: at(10, 1), created_by: 'WORKDIR /srv/app', empty_layer: true },
    { created: at(10, 2), created_by: 'COPY /build/node_modules ./node_modules # buildkit' },
    { created: at(10, 3), created_by: 'COPY --chown=node:node dist/ package.json ./ # buildkit' },
    { created: at(10, 3), created_by: 'EXPOSE map[8080/tcp:{} 9090/tcp:{}]', empty_layer: true },
    { created: at(10, 3), created_by: 'USER node', empty_layer: true },
    {
      created: at(10, 3),
      created_by: `LABEL org.opencontainers.image.version=${version}`,
      empty_layer: true,
    },
    {
      created: at(10, 3),
      created_by: 'ENTRYPOINT ["/sbin/tini" "--" "node" "server.js"]',
      empty_layer: true,
    },
  ];
}

export function configOf(version: string, architecture: string): object {
  return {
    os: 'linux',
    architecture,
    created: '2026-03-01T10:03:00Z',
    author: 'Team API <team-api@example.test>',
    config: {
      User: 'node',
      WorkingDir: '/srv/app',
      Entrypoint: ['/sbin/tini', '--', 'node', 'server.js'],
      Cmd: ['--port', '8080'],
      StopSignal: 'SIGTERM',
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'NODE_ENV=production',
        `APP_VERSION=${version}`,
        `DATABASE_PASSWORD=hunter-${version}`,
        'NPM_TOKEN=npm_0123456789abcdef',
      ],
      ExposedPorts: { '8080/tcp': {}, '9090/tcp': {} },
      Volumes: { '/srv/data': {} },
      Labels: {
        'org.opencontainers.image.title': 'api',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.source': 'https://git.example.test/team/api',
        'org.opencontainers.image.revision': digestOf(version).slice(7, 47),
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.base.name': 'registry.example.test/base/alpine:3.22',
        maintainer: 'team-api@example.test',
        'com.example.description':
          'The public interface of the shop: orders, payments, and what customers see. '.repeat(8),
      },
      Healthcheck: {
        Test: ['CMD-SHELL', 'wget -qO- http://localhost:8080/healthz || exit 1'],
        Interval: 30_000_000_000,
        Timeout: 3_000_000_000,
        Retries: 3,
      },
    },
    history: historyOf(version),
  };
}

export interface Pushed {
  readonly index: Descriptor;
  readonly amd64: Descriptor;
  readonly arm64: Descriptor;
}

/** Pushes one version for two platforms, with an attestation of buildkit beside them. */
export async function pushVersion(pusher: Pusher, version: string): Promise<Pushed> {
  const children: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const layers = [
      ...baseLayers,
      layerOf(
        file('srv/app/node_modules/', ''),
        ...Array.from({ length: 30 }, (_, at) =>
          file(`srv/app/node_modules/module-${at}/index.js`, `module.exports = ${at};\n`.repeat(20)),
        ),
        file('srv/app/node_modules/native.node', noise(`native ${architecture}`, 350_000)),
      ),
      layerOf(
        file('srv/app/server.js', `// ${version}\nimport { serve } from './serve.js';\nserve(8080);\n`),
        file('srv/app/package.json', JSON.stringify({ name: 'api', version }, undefined, 2)),
        file('srv/app/data.bin', noise(`data ${version}`, 20_000 + version.length * 900)),
        file('etc/motd', `api ${version}\n`),
        { name: 'usr/share/zoneinfo/.wh.zone-7' },
      ),
    ];
    children.push(await pusher.image({ layers, config: configOf(version, architecture) }));
  }
  const [amd64, arm64] = children;
  if (amd64 === undefined || arm64 === undefined) throw new Error('two platforms are pushed');
  const statement = await pusher.blob(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: 'https://slsa.dev/provenance/v0.2',
    }),
    'application/vnd.in-toto+json',
  );
  const attestation = await pusher.manifest({
    config: await pusher.blob('{}', mediaTypes.config),
    layers: [
      { ...statement, annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v0.2' } },
    ],
  });
  const platform = (architecture: string): object => ({ os: 'linux', architecture });
  const index = await pusher.manifest(
    {
      manifests: [
        { ...amd64, platform: platform('amd64') },
        { ...arm64, platform: platform('arm64') },
        {
          ...attestation,
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: {
            'vnd.docker.reference.type': 'attestation-manifest',
            'vnd.docker.reference.digest': amd64.digest,
          },
        },
      ],
    },
    version,
  );
  return { index, amd64, arm64 };
}

/** Attaches an SBOM, a signature of it, and a signature to a manifest. */
export async function attach(pusher: Pusher, subject: Descriptor): Promise<Descriptor> {
  const empty = await pusher.blob('{}', mediaTypes.empty);
  const packages = Array.from({ length: 260 }, (_, at) => ({
    name: at === 0 ? hostile.markup : `library-${String(at).padStart(3, '0')}`,
    versionInfo: `1.${at}.0`,
    licenseConcluded: at % 3 === 0 ? 'MIT' : 'Apache-2.0',
    externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:npm/library-${at}@1.${at}.0` }],
  }));
  const document = await pusher.blob(
    JSON.stringify({ spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'api', packages }),
    'application/spdx+json',
  );
  const title = { 'org.opencontainers.image.title': 'sbom.spdx.json' };
  const sbom = await pusher.manifest({
    artifactType: 'application/spdx+json',
    config: empty,
    layers: [{ ...document, annotations: title }],
    subject,
  });
  for (const [of, type] of [
    [subject, 'application/vnd.dev.sigstore.bundle.v0.3+json'],
    [sbom, 'application/vnd.cncf.notary.signature'],
  ] as const) {
    await pusher.manifest({ artifactType: type, config: empty, layers: [empty], subject: of });
  }
  return document;
}

/** Pushes a Helm chart. */
export async function pushChart(pusher: Pusher, version: string): Promise<Descriptor> {
  const config = await pusher.blob(
    JSON.stringify({
      name: 'shop',
      version,
      appVersion: '2.3.1',
      apiVersion: 'v2',
      type: 'application',
      description: 'The shop with its database',
      kubeVersion: '>=1.30',
      home: 'https://shop.example.test',
      sources: ['https://git.example.test/team/shop'],
      keywords: ['shop', 'orders'],
      maintainers: [{ name: 'Team Shop', email: 'shop@example.test' }],
      dependencies: [
        { name: 'postgresql', version: '16.x.x', repository: 'oci://registry.example.test/charts' },
        { name: hostile.markup, version: '1' },
      ],
    }),
    'application/vnd.cncf.helm.config.v1+json',
  );
  const archive = await pusher.blob(
    layerOf(
      file('shop/Chart.yaml', `apiVersion: v2\nname: shop\nversion: ${version}\n`),
      file('shop/values.yaml', 'replicas: 2\nimage:\n  repository: team/api\n  tag: "1.4.0"\n'),
      file(
        'shop/README.md',
        `# Shop\n\n[read more](javascript:globalThis.isHacked=1)\n\n${hostile.markup}\n`,
      ),
    ),
    'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  );
  return await pusher.manifest({ config, layers: [archive] }, version);
}

/** Pushes an image in which everything that can be text is hostile. */
export async function pushHostile(pusher: Pusher, tag: string): Promise<Descriptor> {
  const { markup, template, control } = hostile;
  return await pusher.image(
    {
      layers: [
        layerOf(
          file(`bin/${markup.slice(0, 90).replaceAll('/', '|')}`, markup),
          file(`bin/${control}`, template),
          file('../../etc/cron', markup),
        ),
      ],
      config: {
        os: markup,
        architecture: control,
        author: markup,
        created: '2026-03-01T10:03:00Z',
        config: {
          User: markup,
          WorkingDir: template,
          StopSignal: control,
          Entrypoint: [markup],
          Cmd: [control, template],
          Env: [`A=${markup}`, `${markup}=x`, `SECRET_${markup}=${control}`],
          ExposedPorts: { [markup]: {} },
          Volumes: { [template]: {} },
          Labels: { [markup]: markup, 'org.opencontainers.image.source': 'javascript:globalThis.isHacked=1' },
          Healthcheck: { Test: ['CMD-SHELL', markup] },
        },
        history: [{ created_by: `RUN ${markup}\n${control}` }],
      },
      annotations: { [markup]: template, control },
    },
    tag,
  );
}
