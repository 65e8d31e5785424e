/** What is measured: each measure does its work on one registry and answers how long the work took. */
import { createHash, randomBytes } from 'node:crypto';
import { type Connection, connect, expect, type Target } from './client.ts';

export interface Measure {
  readonly name: string;
  /** Answers seconds, of requests that are repeated seconds per thousand; smaller is better. `round` makes the content new. */
  readonly run: (target: Target, round: number) => Promise<number>;
}

const MiB = 1024 * 1024;
const large = randomBytes(256 * MiB);
const small = Array.from({ length: 64 }, () => randomBytes(MiB));
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
/** A registry that computes bcrypt for each request gets fewer of them. */
const requestsOf = ({ authorization }: Target): number => (authorization === undefined ? 3000 : 200);

/** Bytes no registry has seen: the start is overwritten. */
function fresh(bytes: Buffer, round: number): { readonly bytes: Buffer; readonly digest: string } {
  bytes.write(`${process.pid} ${round} ${performance.now()} `);
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** POST, PATCH, PUT: as docker pushes a layer. */
async function push(
  connection: Connection,
  repository: string,
  blob: { bytes: Buffer; digest: string },
): Promise<void> {
  const opened = await expect(connection, { method: 'POST', path: `/v2/${repository}/blobs/uploads/` }, 202);
  const patch = { method: 'PATCH', path: pathOf(opened), body: blob.bytes, type: 'application/octet-stream' };
  const path = pathOf(await expect(connection, patch, 202));
  const digest = `${path.includes('?') ? '&' : '?'}digest=${blob.digest}`;
  await expect(connection, { method: 'PUT', path: `${path}${digest}` }, 201);
}

function pathOf({ headers }: { readonly headers: ReadonlyMap<string, string> }): string {
  return (headers.get('location') ?? '').replace(/^https?:\/\/[^/]+/, '');
}

/** Runs jobs on `count` connections. */
async function spread<T>(
  target: Target,
  count: number,
  jobs: readonly T[],
  act: (connection: Connection, job: T) => Promise<unknown>,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: count }, () => connect(target)));
  const queue = [...jobs];
  const seconds = await timed(() =>
    Promise.all(
      connections.map(async (connection) => {
        for (let job = queue.pop(); job !== undefined; job = queue.pop()) await act(connection, job);
      }),
    ),
  );
  for (const connection of connections) connection[Symbol.dispose]();
  return seconds;
}

/** Pushes a config, which is the layer as well, and a manifest under a tag. */
export async function pushImage(
  target: Target,
  content = '',
): Promise<{ readonly manifest: string; readonly blob: string }> {
  using connection = await connect(target);
  const blob = { bytes: Buffer.from(JSON.stringify({ content })), digest: '' };
  blob.digest = `sha256:${createHash('sha256').update(blob.bytes).digest('hex')}`;
  await push(connection, 'bench/image', blob);
  const descriptor = { mediaType: 'application/octet-stream', digest: blob.digest, size: blob.bytes.length };
  const layers = Array.from({ length: 8 }, () => descriptor);
  const body = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: descriptor, layers }),
  );
  const put = { method: 'PUT', path: '/v2/bench/image/manifests/latest', body, type: manifestType };
  await expect(connection, put, 201);
  return { manifest: `sha256:${createHash('sha256').update(body).digest('hex')}`, blob: blob.digest };
}

async function repeat(target: Target, method: string, path: string): Promise<number> {
  const jobs = Array.from({ length: requestsOf(target) }, () => path);
  const seconds = await spread(target, 16, jobs, (connection, each) =>
    expect(connection, { method, path: each }, 200),
  );
  return (1000 * seconds) / jobs.length;
}

/** The login of a measure is warm: the first check of a password is its own measure. */
export const measures: readonly Measure[] = [
  {
    name: 'push 1 x 256 MiB',
    async run(target, round) {
      const blob = fresh(large, round);
      return await spread(target, 1, [blob], (connection, each) => push(connection, 'bench/large', each));
    },
  },
  {
    name: 'push 64 x 1 MiB, 8 clients',
    async run(target, round) {
      const blobs = small.map((bytes) => fresh(bytes, round));
      return await spread(target, 8, blobs, (connection, each) => push(connection, 'bench/small', each));
    },
  },
  {
    name: 'pull 1 x 256 MiB',
    async run(target, round) {
      const blob = fresh(large, round);
      await spread(target, 1, [blob], (connection, each) => push(connection, 'bench/large', each));
      const path = `/v2/bench/large/blobs/${blob.digest}`;
      return await spread(target, 1, [path], (connection, each) =>
        expect(connection, { method: 'GET', path: each }, 200),
      );
    },
  },
  {
    name: 'pull 64 x 1 MiB, 8 clients',
    async run(target, round) {
      const blobs = small.map((bytes) => fresh(bytes, round));
      await spread(target, 8, blobs, (connection, each) => push(connection, 'bench/small', each));
      const paths = blobs.map(({ digest }) => `/v2/bench/small/blobs/${digest}`);
      return await spread(target, 8, paths, (connection, path) =>
        expect(connection, { method: 'GET', path }, 200),
      );
    },
  },
  {
    name: '1000 x manifest GET by tag',
    async run(target) {
      await pushImage(target);
      return await repeat(target, 'GET', '/v2/bench/image/manifests/latest');
    },
  },
  {
    name: '1000 x manifest GET by digest',
    async run(target) {
      const { manifest } = await pushImage(target);
      return await repeat(target, 'GET', `/v2/bench/image/manifests/${manifest}`);
    },
  },
  {
    name: '1000 x blob HEAD',
    async run(target) {
      const { blob } = await pushImage(target);
      return await repeat(target, 'HEAD', `/v2/bench/image/blobs/${blob}`);
    },
  },
];
