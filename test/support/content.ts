/** Images and artifacts of any form, put together and pushed by hand over plain HTTP. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from './http.ts';
import type { TestRegistry } from './registry.ts';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: object;
}

export interface ImageParts {
  readonly layers?: readonly Uint8Array[];
  /** Written as JSON, unless it is a text. */
  readonly config?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
}

/** What pushes into one repository. */
export interface Pusher {
  blob(bytes: Uint8Array | string, mediaType: string): Promise<Descriptor>;
  /** Puts a manifest under a tag, or under its digest without one. With `manifests` it is an index. */
  manifest(parts: Readonly<Record<string, unknown>>, tag?: string): Promise<Descriptor>;
  image(parts: ImageParts, tag?: string): Promise<Descriptor>;
}

export function pushInto(
  { plainUrl, user }: Pick<TestRegistry, 'plainUrl'> & { readonly user?: string },
  repository: string,
): Pusher {
  async function send(method: string, path: string, body: Uint8Array | string, type: string): Promise<void> {
    const headers = { 'content-type': type };
    const options = { method, path: `/v2/${repository}/${path}`, body, headers };
    const answer = await request(plainUrl, { ...options, ...(user === undefined ? {} : { user }) });
    assert.equal(answer.status, 201, `${method} ${path}: ${String(answer.body)}`);
  }

  const pusher: Pusher = {
    async blob(bytes, mediaType) {
      const digest = digestOf(bytes);
      await send('POST', `blobs/uploads/?digest=${digest}`, bytes, 'application/octet-stream');
      return { mediaType, digest, size: Buffer.byteLength(bytes) };
    },
    async manifest(parts, tag) {
      const mediaType = parts['manifests'] === undefined ? mediaTypes.manifest : mediaTypes.index;
      const text = JSON.stringify({ schemaVersion: 2, mediaType, ...parts });
      const digest = digestOf(text);
      await send('PUT', `manifests/${tag ?? digest}`, text, mediaType);
      return { mediaType, digest, size: Buffer.byteLength(text) };
    },
    async image({ layers = [], config = {}, ...more }, tag) {
      const text = typeof config === 'string' ? config : JSON.stringify(config);
      const about = await pusher.blob(text, mediaTypes.config);
      const stored: Descriptor[] = [];
      for (const layer of layers) stored.push(await pusher.blob(layer, mediaTypes.layer));
      return await pusher.manifest({ config: about, layers: stored, ...more }, tag);
    },
  };
  return pusher;
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
