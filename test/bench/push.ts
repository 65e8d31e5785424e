/** What clients do with a registry. */
import { createHash, randomBytes } from 'node:crypto';
import { type Connection, connect, expect, type Target } from './client.ts';
import { timed } from './figures.ts';

export interface Blob {
  readonly bytes: Buffer;
  readonly digest: string;
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export function blobOf(bytes: Buffer): Blob {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

/** Bytes that no registry has seen: the start is overwritten. */
export function fresh(bytes: Buffer): Blob {
  randomBytes(16).copy(bytes);
  return blobOf(bytes);
}

/** POST, PATCH, PUT: as docker pushes a layer. */
export async function push(
  connection: Connection,
  repository: string,
  { bytes, digest }: Blob,
): Promise<void> {
  const opened = await expect(connection, { method: 'POST', path: `/v2/${repository}/blobs/uploads/` }, 202);
  const patch = { method: 'PATCH', path: pathOf(opened), body: bytes, type: 'application/octet-stream' };
  const path = pathOf(await expect(connection, patch, 202));
  const query = `${path.includes('?') ? '&' : '?'}digest=${digest}`;
  await expect(connection, { method: 'PUT', path: `${path}${query}` }, 201);
}

function pathOf({ headers }: { readonly headers: ReadonlyMap<string, string> }): string {
  return (headers.get('location') ?? '').replace(/^https?:\/\/[^/]+/, '');
}

/** Runs jobs on `count` connections, and answers the seconds from when they are open. */
export async function spread<T>(
  target: Target,
  count: number,
  jobs: readonly T[],
  act: (connection: Connection, job: T) => Promise<unknown>,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: count }, () => connect(target)));
  const queue = jobs.toReversed();
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

/** Pushes blobs and a manifest of them under the tag `latest`, and answers the digest of the manifest. */
export async function pushImage(
  target: Target,
  repository: string,
  blobs: readonly [Blob, ...Blob[]],
): Promise<string> {
  using connection = await connect(target);
  for (const blob of blobs) await push(connection, repository, blob);
  const descriptors = blobs.map(({ bytes, digest }) => ({
    mediaType: 'application/octet-stream',
    digest,
    size: bytes.length,
  }));
  const [config, ...layers] = descriptors;
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers };
  const { bytes, digest } = blobOf(Buffer.from(JSON.stringify(manifest)));
  const put = {
    method: 'PUT',
    path: `/v2/${repository}/manifests/latest`,
    body: bytes,
    type: manifestType,
  };
  await expect(connection, put, 201);
  return digest;
}

/** GET and HEAD that must answer 200. */
export async function ask(connection: Connection, path: string, method = 'GET'): Promise<void> {
  await expect(connection, { method, path }, 200);
}
