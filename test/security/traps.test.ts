/**
 * A listener on loopback behind every address that somebody can hand to the registry: in manifests, in what they point
 * to, in webhooks and in what those answer. Nobody may ever connect to it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { berthOn } from '../support/berth.ts';
import { openRaw } from '../support/http.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRegistry } from '../support/registry.ts';
import {
  descriptor,
  digestOf,
  dockerManifest,
  ociIndex,
  ociManifest,
  pushBlob,
  putManifest,
  type Send,
  sender,
} from '../wire/support.ts';

interface Trap extends AsyncDisposable {
  readonly port: number;
  readonly connections: () => number;
  /** Resolves with the next connection. */
  readonly sprung: () => Promise<unknown>;
}

/** Listens on every address of this computer. */
async function setTrap(): Promise<Trap> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }).listen(0);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    sprung: () => once(server, 'connection'),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Ways to write an address of this computer. */
const hosts = [
  '127.0.0.9',
  '127.1.2.3',
  'localhost',
  'localhost.',
  'LOCALHOST',
  '[::1]',
  '[::ffff:127.0.0.9]',
  '[::ffff:7f00:9]',
  '[::]',
  '0.0.0.0',
  '0',
  '0x7f.9',
  '0177.0.0.9',
  '2130706441',
  '127.9',
];

/** Pushes manifests that name addresses wherever they can; answers their references. */
async function pushTraps(send: Send, urls: readonly string[]): Promise<readonly string[]> {
  const text = urls.join(' ');
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { 'org.opencontainers.image.source': text, 'org.opencontainers.image.url': text } },
    rootfs: { type: 'layers', diff_ids: [] },
    history: [{ created_by: `ADD ${text} /`, comment: text }],
  };
  const configText = JSON.stringify(config);
  const chart = JSON.stringify({ name: 'x', version: '1.0.0', icon: urls[0], home: urls[0], sources: urls });
  const sbom = JSON.stringify({
    spdxVersion: 'SPDX-2.3',
    documentNamespace: urls[0],
    packages: [{ name: 'x', downloadLocation: urls[0], externalRefs: urls }],
  });
  for (const bytes of ['{}', configText, chart, sbom]) await pushBlob(send, 'team/app', bytes);
  const annotations = {
    'org.opencontainers.image.source': text,
    'org.opencontainers.image.base.name': `127.0.0.9/a:b ${text}`,
  };
  const away = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: digestOf('absent'),
    size: 6,
    urls,
    annotations,
  };
  const image = { schemaVersion: 2, mediaType: ociManifest, annotations };
  const manifests: readonly (readonly [tag: string, type: string, body: object])[] = [
    [
      'layers',
      ociManifest,
      {
        ...image,
        config: { ...descriptor(configText, 'application/vnd.oci.image.config.v1+json'), urls },
        layers: [away],
      },
    ],
    [
      'plain',
      ociManifest,
      {
        ...image,
        config: descriptor('{}', 'application/vnd.oci.image.config.v1+json'),
        layers: [{ ...away, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
      },
    ],
    [
      'foreign',
      dockerManifest,
      {
        ...image,
        mediaType: dockerManifest,
        config: descriptor(configText, 'application/vnd.docker.container.image.v1+json'),
        layers: [{ ...away, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
      },
    ],
    [
      'index',
      ociIndex,
      {
        ...image,
        mediaType: ociIndex,
        manifests: [
          {
            urls,
            ...descriptor('{}', 'application/vnd.example'),
            platform: { os: 'linux', architecture: 'amd64' },
          },
        ],
      },
    ],
    [
      'subject',
      ociManifest,
      {
        ...image,
        artifactType: 'application/spdx+json',
        config: descriptor('{}', 'application/vnd.oci.empty.v1+json'),
        layers: [{ ...descriptor(sbom, 'application/spdx+json'), urls }],
        subject: { ...away, mediaType: ociManifest },
      },
    ],
    [
      'chart',
      ociManifest,
      {
        ...image,
        config: { ...descriptor(chart, 'application/vnd.cncf.helm.config.v1+json'), urls },
        layers: [],
      },
    ],
  ];
  for (const [tag, type, body] of manifests) {
    const answer = await putManifest(send, 'team/app', tag, JSON.stringify(body), type);
    assert.equal(answer.status, 201, `${tag}: ${String(answer.body)}`);
  }
  return manifests.map(([tag]) => tag);
}

/** Asks everything of a repository that makes the registry read what was pushed. */
async function readEverything(client: AdminClient, send: Send, tags: readonly string[]): Promise<number> {
  let asked = 0;
  const call = async (act: Promise<unknown>): Promise<void> => {
    asked += 1;
    // What is not there is refused, and that is fine; what breaks is not.
    await act.catch((error: unknown) =>
      assert.ok(isAppError(error) && error.code !== 'UNKNOWN', String(error)),
    );
  };
  const repository = 'team/app';
  const absent = digestOf('absent');
  for (const tag of tags) {
    const got = await send('GET', `/v2/${repository}/manifests/${tag}`);
    const digest = String(got.headers['docker-content-digest']);
    await send('GET', `/v2/${repository}/referrers/${absent}`);
    await send('GET', `/v2/${repository}/blobs/${absent}`);
    await send('POST', `/v2/${repository}/blobs/uploads/?mount=${absent}&from=team/other`);
    await call(client.call('images.get', { repository, reference: tag }));
    await call(client.call('images.raw', { repository, digest }));
    await call(client.call('images.compare', { repository, a: tag, b: tags[0] ?? '' }));
    await call(client.call('artifacts.get', { repository, digest }));
    await call(client.call('referrers.list', { repository, digest: absent }));
    await call(client.call('layers.files', { repository, digest: absent, image: digest, path: '' }));
    await call(client.call('packages.list', { repository, digest }));
    await call(client.call('blobs.download', { repository, digest: absent, image: digest }));
  }
  await call(client.call('collect.plan', {}));
  await call(client.call('collect.run', {}));
  await call(client.call('scrub.run', {}));
  await call(client.call('repositories.list', { q: 'team' }));
  return asked;
}

test('nothing that a manifest names is ever asked for', async (t) => {
  await using trap = await setTrap();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-traps-'));
  await using registry = await startRegistry();
  const urls = hosts.flatMap((host) =>
    ['http', 'https', 'ftp'].map((scheme) => `${scheme}://${host}:${trap.port}/x`),
  );
  using client = await openClient(registry.dataDir);
  const tags = await pushTraps(sender(registry), [
    ...urls,
    `//127.0.0.9:${trap.port}/x`,
    'file:///etc/passwd',
  ]);

  const asked = await readEverything(client, sender(registry), tags);
  const berth = berthOn(registry.dataDir);
  await berth.try('export', 'team/app:layers', 'team/app:chart', '-o', join(directory.path, 'out.tar'));
  await berth.try('copy', 'team/app:foreign', 'team/copy:foreign');
  await berth.try('verify');
  await berth.run('index', 'rebuild');
  // Nor is the registry a proxy.
  for (const line of [
    `GET http://127.0.0.9:${trap.port}/ HTTP/1.1`,
    `CONNECT 127.0.0.9:${trap.port} HTTP/1.1`,
    `GET /v2/ HTTP/1.1\r\nX-Forwarded-Host: 127.0.0.9:${trap.port}\r\nForwarded: host=127.0.0.9:${trap.port}`,
  ]) {
    await using raw = await openRaw(registry.host, registry.port);
    raw.send(`${line}\r\nHost: 127.0.0.9:${trap.port}\r\nConnection: close\r\n\r\n`);
    await raw.receiveAll();
  }

  assert.equal(trap.connections(), 0);
  t.diagnostic(`${urls.length} addresses in ${tags.length} manifests, read in ${asked} ways: 0 connections`);
});

test('webhooks go to no private address, however it is written', async (t) => {
  await using trap = await setTrap();
  const places = hosts.map((host) => `http://${host}:${trap.port}/x`);
  await using registry = await startRegistry();
  using client = await openClient(registry.dataDir);

  for (const [at, url] of places.entries()) {
    const name = `trap${at}`;
    // What is an address is refused at once, a name when it is looked up.
    const said = await client.call('webhooks.set', { name, url }).then(
      async () => (await client.call('webhooks.test', { name })).error,
      (error: unknown) => (isAppError(error, 'WEBHOOK_REFUSED') ? error.message : undefined),
    );
    assert.match(said ?? '', /private address|the name is not known/, url);
  }
  // It is told to those that are left: the names.
  await pushBlob(sender(registry), 'team/app', 'news');
  await berthOn(registry.dataDir).run('webhook', 'retry', `trap${hosts.indexOf('localhost')}`);

  assert.equal(trap.connections(), 0);
  t.diagnostic(`${places.length} of ${places.length} private targets of webhooks refused: 0 connections`);
});

test('webhooks follow no receiver elsewhere', async (t) => {
  await using trap = await setTrap();
  const places = ['127.0.0.1', ...hosts].map((host) => `http://${host}:${trap.port}/x`);
  const answers = places.flatMap((location) =>
    [301, 302, 303, 307, 308].map((status) => ({ status, location })),
  );
  let redirects = 0;
  await using receiver = await startReceiver({
    instead: (res) => {
      const { status, location } = answers[redirects % answers.length] ?? { status: 301, location: '' };
      redirects += 1;
      return Boolean(res.writeHead(status, { location }).end());
    },
  });
  await using registry = await startRegistry({
    env: { BERTH_NOTIFICATIONS_PRIVATETARGETS: '[127.0.0.1]' },
  });
  using client = await openClient(registry.dataDir);
  await client.call('webhooks.set', { name: 'turns', url: receiver.url });

  for (const { status } of answers) {
    const tried = await client.call('webhooks.test', { name: 'turns' });
    assert.deepEqual([tried.status, /redirects are not followed/.test(tried.error ?? '')], [status, true]);
  }

  assert.equal(trap.connections(), 0);
  assert.equal(redirects, answers.length);
  t.diagnostic(`${redirects} redirects not followed: 0 connections`);
  // The trap works, and sees the registry where it may go.
  const sprung = trap.sprung();
  await client.call('webhooks.set', { name: 'allowed', url: `http://127.0.0.1:${trap.port}/x` });
  await client.call('webhooks.test', { name: 'allowed' });
  await sprung;
});

test('the trap sees a connection to every address that it is behind', async () => {
  await using trap = await setTrap();
  for (const host of ['127.0.0.9', '127.1.2.3', 'localhost', '::1', '::ffff:127.0.0.9', '0.0.0.0']) {
    const sprung = trap.sprung();
    const socket = connect(trap.port, host);
    await sprung;
    socket.destroy();
  }
});
