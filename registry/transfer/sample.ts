/**
 * A tiny image that shows that a registry works, without an engine: stored as a push would store it, so that lists, the
 * audit and everybody who looks on see it.
 */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { SampleResult } from '../spec/admin/transfer.ts';
import type { Actor } from '../spec/events.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { digestOf } from '../store/content.ts';
import type { Store } from '../store/store.ts';
import { archiveEnd, fileHeader, padding } from '../archive/tar-format.ts';

const repository = 'sample/hello' as RepoName;
const tag = 'latest' as Tag;

const readme = Buffer.from(`This image holds this file and nothing that could run.

It shows that your registry stores and serves images. Delete it whenever you like.
`);

/**
 * Stores the image, and points `sample/hello:latest` at it. Durable when it resolves. The same every time.
 * @throws AppError TAG_PROTECTED, QUOTA_EXCEEDED, TOO_MANY_UPLOADS, CANCELLED
 */
export async function pushSample({
  store,
  actor,
  signal,
}: {
  readonly store: Store;
  readonly actor: Actor;
  readonly signal: AbortSignal;
}): Promise<SampleResult> {
  const header = fileHeader('README.txt', readme.length);
  const files = Buffer.concat([header, readme, Buffer.alloc(padding(readme.length)), archiveEnd]);
  const layer = gzipSync(files);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {
        Labels: {
          'org.opencontainers.image.title': 'hello',
          'org.opencontainers.image.description': 'Shows that the registry works.',
        },
      },
      rootfs: { type: 'layers', diff_ids: [digestOf(files, 'sha256')] },
      history: [{ created_by: 'COPY README.txt /README.txt' }],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: describe(config, 'application/vnd.oci.image.config.v1+json'),
      layers: [describe(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')],
    }),
  );
  const digest = digestOf(manifest, 'sha256');
  await store.manifests.checkTag(repository, tag, digest);
  for (const bytes of [layer, config]) await storeBlob(bytes);
  await store.manifests.put({
    repository,
    bytes: manifest,
    contentType: mediaTypes.ociManifest,
    digest,
    tags: [tag],
    actor,
  });
  return { repository, tag, digest };

  async function storeBlob(bytes: Buffer): Promise<void> {
    const upload = await store.uploads.start(repository, { algorithm: 'sha256', actor });
    const source = Readable.from([bytes], { objectMode: false });
    try {
      const chunk = { source, range: undefined, signal };
      await store.uploads.commit(upload, { digest: digestOf(bytes, 'sha256'), chunk, actor });
    } catch (error) {
      await store.uploads.cancel(upload, actor).catch(() => undefined);
      throw error;
    } finally {
      source.destroy();
    }
  }
}

function describe(bytes: Buffer, mediaType: string) {
  return { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.length };
}
