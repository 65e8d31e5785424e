/** Oracle: the events that Debian's docker-registry (distribution 2.8) sends for the same requests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { succeed } from '../support/process.ts';
import { type Received, type ReceivedEvent, startReceiver } from '../support/receiver.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { startDockerRegistry } from './docker-registry.ts';

/** One registry with the receiver of its events. */
interface Side {
  readonly url: string;
  readonly received: readonly Received[];
  /** Waits for the event of the last request; they come in order. */
  settle(): Promise<void>;
}

suite('events beside those of distribution', needs('docker-registry', 'skopeo', 'busybox'), () => {
  const resources = new AsyncDisposableStack();
  let ours: Side;
  let theirs: Side;
  let home = '';
  before(async () => {
    home = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-events-'))).path;
    const [us, them] = [resources.use(await startReceiver()), resources.use(await startReceiver())];
    const notifications = (url: string): object => ({
      events: { includereferences: true },
      endpoints: [
        { name: 'test', url, timeout: '5s', threshold: 5, backoff: '50ms', headers: { 'X-A': ['1'] } },
      ],
    });
    const dataDir = join(home, 'berth-data');
    await mkdir(join(dataDir, 'berth'), { recursive: true, mode: 0o700 });
    const config = {
      version: '0.1',
      notifications: notifications(us.url),
      berth: { notifications: { privatetargets: ['127.0.0.1'] } },
    };
    await writeFile(join(dataDir, 'berth', 'config.yml'), JSON.stringify(config), { mode: 0o600 });
    const berth = resources.use(await startRegistry({ dataDir }));
    const debian = resources.use(
      await startDockerRegistry(join(home, 'debian-data'), {
        notifications: notifications(them.url),
        // With relativeurls its events hold paths that a receiver can do nothing with.
        http: { addr: '127.0.0.1:0', secret: 'fixed' },
      }),
    );
    const isLast = ({ event: { action, target } }: Received): boolean =>
      action === 'delete' && target['repository'] === 'by/hand' && target['digest'] === digestOf('a layer');
    const until = (receiver: typeof us) => () => receiver.until((received) => received.some(isLast));
    ours = { url: berth.plainUrl, received: us.received, settle: until(us) };
    theirs = { url: debian.url, received: them.received, settle: until(them) };
  });
  after(() => resources.disposeAsync());

  test('are the same for what skopeo pushes and pulls, and for mounts and deletes', async () => {
    const image = await makeImage({ out: join(home, 'image'), ref: 'app:1', layers: 1, layerMib: 1 });
    const index = await makeImage({
      out: join(home, 'index'),
      ref: 'app:1',
      platforms: ['linux/amd64', 'linux/arm64'],
    });

    for (const side of [ours, theirs]) {
      await copy(side, `oci:${image.out}:1`, 'docker://HOST/team/app:1');
      await copy(side, 'docker://HOST/team/app:1', `oci:${join(home, `back-${new URL(side.url).port}`)}:1`);
      await copy(side, `oci:${index.out}:1`, 'docker://HOST/team/index:1', '--all');
      await exercise(side);
    }
    await Promise.all([ours.settle(), theirs.settle()]);

    assert.deepEqual(comparable(ours.received), comparable(theirs.received));
    assert.deepEqual([headsOf(ours.received), headsOf(theirs.received) > 0], [0, true]);
    assert.deepEqual(
      new Set(theirs.received.map(({ event }) => event.action)),
      new Set(['push', 'pull', 'mount', 'delete']),
    );
    assert.deepEqual(
      ours.received.map(({ headers }) => [headers['content-type'], headers['x-a']])[0],
      theirs.received.map(({ headers }) => [headers['content-type'], headers['x-a']])[0],
    );
  });

  async function copy(side: Side, from: string, to: string, ...more: readonly string[]): Promise<void> {
    const place = (text: string): string => text.replace('HOST', new URL(side.url).host);
    const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const args = ['copy', '--insecure-policy', ...more, ...insecure, place(from), place(to)];
    await succeed('skopeo', args, { env: { HOME: home, XDG_RUNTIME_DIR: home } });
  }
});

/** What clients may do besides; each request must be answered alike by both. */
async function exercise({ url }: Side): Promise<void> {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const send = async (
    method: string,
    path: string,
    expected: number,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const answer = await request(url, {
      method,
      path,
      body,
      headers: { 'user-agent': 'test/1', ...headers },
    });
    assert.equal(answer.status, expected, `${method} ${path}: ${String(answer.body)}`);
    return answer;
  };
  const push = async (repository: string, bytes: string): Promise<void> => {
    const { headers } = await send('POST', `/v2/${repository}/blobs/uploads/`, 202);
    const location = new URL(headers.location ?? '', url);
    location.searchParams.set('digest', digestOf(bytes));
    await send('PUT', `${location.pathname}${location.search}`, 201, bytes);
  };
  const [config, layer] = ['{}', 'a layer'];
  for (const bytes of [config, layer, layer]) await push('by/hand', bytes);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: digestOf(layer),
        size: layer.length,
        annotations: { a: 'b' },
      },
    ],
  });
  const [at, blob] = [digestOf(manifest), digestOf(layer)];
  for (const reference of ['t1', 't1', at]) {
    await send('PUT', `/v2/by/hand/manifests/${reference}`, 201, manifest, { 'content-type': type });
  }
  const accept = { accept: type };
  await send('GET', '/v2/by/hand/manifests/t1', 200, '', accept);
  await send('GET', `/v2/by/hand/manifests/${at}`, 200, '', accept);
  await send('GET', '/v2/by/hand/manifests/t1', 304, '', { ...accept, 'if-none-match': `"${at}"` });
  await send('HEAD', '/v2/by/hand/manifests/t1', 200, '', accept);
  await send('HEAD', `/v2/by/hand/blobs/${blob}`, 200);
  await send('GET', `/v2/by/hand/blobs/${blob}`, 200);
  await send('GET', `/v2/by/hand/blobs/${blob}`, 206, '', { range: 'bytes=0-1' });
  await send('POST', `/v2/by/mount/blobs/uploads/?mount=${blob}&from=by/hand`, 201);
  await send('DELETE', `/v2/by/hand/manifests/${at}`, 202);
  await send('DELETE', `/v2/by/hand/blobs/${blob}`, 202);
  await send('GET', '/v2/by/hand/manifests/t1', 404);
}

function digestOf(bytes: string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * Events without what differs each time, in an order that does not depend on which of a client's requests came first.
 * HEAD is left out: distribution tells it as a pull, and Berth tells what was read.
 */
function comparable(received: readonly Received[]): readonly unknown[] {
  const events = received.map(({ event }) => event).filter(({ request: { method } }) => method !== 'HEAD');
  return events.map(normalise).toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));
}

function headsOf(received: readonly Received[]): number {
  return received.filter(({ event: { request: asked } }) => asked['method'] === 'HEAD').length;
}

function normalise({ id, timestamp, action, target, request: asked, actor, source, ...rest }: ReceivedEvent) {
  assert.match(id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
  const host = String(asked['host']);
  const { url } = target;
  return {
    action,
    // skopeo takes HTTPS where it can have it.
    target:
      typeof url === 'string'
        ? { ...target, url: url.replace(/^https?:/, '').replace(host, 'HOST') }
        : target,
    request: {
      ...asked,
      id: kindOf(asked['id']),
      // distribution adds the port of the client where it knows it.
      addr: String(asked['addr']).replace(/:\d+$/, ''),
      host: host.replace(/:\d+$/, ''),
    },
    actor,
    source: {
      ...source,
      // distribution writes the port of its configuration, which is 0 here.
      addr: String(source['addr']).replace(/:\d+$/, ''),
      instanceID: kindOf(source['instanceID']),
    },
    rest,
  };
}

function kindOf(value: unknown): string {
  return /^[0-9a-f-]{36}$/.test(String(value)) ? 'uuid' : String(value);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
