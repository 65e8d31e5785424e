/** Pushing to any registry over plain HTTP, and what is found in one: the same code for both registries. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request, type RequestOptions } from '../support/http.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';

export interface Manifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export async function pushBlob(url: string, name: string, bytes: string): Promise<void> {
  const started = await send(url, 202, { method: 'POST', path: `/v2/${name}/blobs/uploads/` });
  const location = started.headers['location'] ?? '';
  const path = `${location}${location.includes('?') ? '&' : '?'}digest=${digestOf(bytes)}`;
  await send(url, 201, { method: 'PUT', path, body: bytes });
}

/** Pushes config, layers and manifest of an image. */
export async function pushImage(
  url: string,
  { name, tag, layers, mediaType = ociManifest }: ImagePush,
): Promise<Manifest> {
  const config = JSON.stringify({ layers });
  for (const bytes of [config, ...layers]) await pushBlob(url, name, bytes);
  const descriptor = (bytes: string, type: string) => ({
    mediaType: type,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  const manifest = manifestOf(mediaType, {
    config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar')),
  });
  await pushManifest(url, name, tag ?? manifest.digest, manifest);
  return manifest;
}

export interface ImagePush {
  readonly name: string;
  /** By digest when absent. */
  readonly tag?: string;
  readonly layers: readonly string[];
  readonly mediaType?: string;
}

export function indexOf(mediaType: string, children: readonly Manifest[]): Manifest {
  return manifestOf(mediaType, {
    manifests: children.map((child, at) => ({
      mediaType: child.mediaType,
      size: child.bytes.length,
      digest: child.digest,
      platform: { os: 'linux', architecture: ['amd64', 'arm64'][at] },
    })),
  });
}

function manifestOf(mediaType: string, parts: object): Manifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...parts }, undefined, 3));
  return { mediaType, bytes, digest: digestOf(bytes) };
}

export async function pushManifest(url: string, name: string, reference: string, manifest: Manifest) {
  await send(url, 201, {
    method: 'PUT',
    path: `/v2/${name}/manifests/${reference}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
  });
}

export async function remove(url: string, path: string): Promise<void> {
  await send(url, 202, { method: 'DELETE', path });
}

async function send(url: string, status: number, options: RequestOptions) {
  const answer = await request(url, options);
  assert.equal(answer.status, status, `${options.method} ${options.path}: ${String(answer.body)}`);
  return answer;
}

/** What one can pull: per repository and tag the manifests, and per blob its digest as found. */
export type Found = Readonly<Record<string, string>>;

/** Pulls everything that tags lead to, as well as the manifests `also`, `NAME@DIGEST` each. */
export async function pullEverything(url: string, also: readonly string[] = []): Promise<Found> {
  const found: Record<string, string> = {};
  const catalog = await request(url, { path: '/v2/_catalog?n=100' });
  const { repositories } = catalog.json() as { repositories: readonly string[] };
  for (const name of repositories) {
    const list = await request(url, { path: `/v2/${name}/tags/list` });
    // A repository without manifests: distribution goes on listing it.
    if (list.status === 404) continue;
    const { tags } = list.json() as { tags: readonly string[] | null };
    for (const tag of tags?.toSorted() ?? []) await pull(url, { name, reference: tag }, found);
  }
  for (const each of also) {
    const [name = '', reference = ''] = each.split('@');
    await pull(url, { name, reference }, found);
  }
  return found;
}

async function pull(
  url: string,
  { name, reference }: { name: string; reference: string },
  found: Record<string, string>,
): Promise<void> {
  const accept = [ociManifest, ociIndex, dockerManifest, dockerList].join(', ');
  const path = `/v2/${name}/manifests/${reference}`;
  const { status, headers, body } = await request(url, { path, headers: { accept } });
  assert.equal(status, 200, `${path}: ${String(body)}`);
  assert.equal(headers['docker-content-digest'], digestOf(body));
  found[`${name}:${reference}`] = `${headers['content-type']} ${String(body)}`;
  const {
    config,
    layers = [],
    manifests = [],
  } = JSON.parse(String(body)) as Record<string, never> & {
    config?: { digest: string };
    layers?: readonly { digest: string }[];
    manifests?: readonly { digest: string }[];
  };
  for (const { digest } of manifests) await pull(url, { name, reference: digest }, found);
  for (const each of config === undefined ? layers : [config, ...layers]) {
    const blob = await request(url, { path: `/v2/${name}/blobs/${each.digest}` });
    assert.equal(blob.status, 200, `${name} ${each.digest}: ${String(blob.body)}`);
    found[`${name} ${each.digest}`] = digestOf(blob.body);
  }
}
