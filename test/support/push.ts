import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from './http.ts';
import type { TestRegistry } from './registry.ts';

/**
 * Pushes an image of one layer with that text over plain HTTP, as `NAME:PASSWORD` or as anonymous, and answers the digest
 * of its manifest.
 */
export async function pushImage(
  { plainUrl, user }: Pick<TestRegistry, 'plainUrl'> & { readonly user?: string },
  repository: string,
  tag: string,
  layer: string,
): Promise<string> {
  const send = async (method: string, path: string, body: string, type: string): Promise<void> => {
    const headers = { 'content-type': type };
    const { status } = await request(plainUrl, {
      method,
      path: `/v2/${repository}/${path}`,
      body,
      headers,
      ...(user === undefined ? {} : { user }),
    });
    assert.equal(status, 201, `${method} ${path}`);
  };
  const descriptors = [];
  for (const bytes of ['{}', layer]) {
    const digest = digestOf(bytes);
    await send('POST', `blobs/uploads/?digest=${digest}`, bytes, 'application/octet-stream');
    descriptors.push({ mediaType: 'application/vnd.test', digest, size: bytes.length });
  }
  const [config, ...layers] = descriptors;
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  await send('PUT', `manifests/${tag}`, manifest, mediaType);
  return digestOf(manifest);
}

function digestOf(bytes: string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
