import { hashSync } from 'bcryptjs';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, request, type RequestOptions } from '../support/http.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../support/registry.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** The 14 codes of OCI distribution-spec 1.1. */
const ociCodes: readonly string[] = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
];

export type Send = (method: string, path: string, options?: RequestOptions) => Promise<Answer>;

/** Sends requests to a registry over plain HTTP, as `user` (`name:password`) if one is given. */
export function sender({ plainUrl }: Pick<TestRegistry, 'plainUrl'>, user?: string): Send {
  return (method, path, options = {}) =>
    request(plainUrl, { method, path, ...(user === undefined ? {} : { user }), ...options });
}

/** The status and first code of an answer, which must be an error as the specification has it. */
export function refusal(answer: Answer): string {
  assert.equal(answer.headers['content-type'], 'application/json');
  const { errors } = answer.json() as { errors: readonly { code: string; message: string }[] };
  const [first] = errors;
  assert.ok(first !== undefined && first.message.length > 8, 'an error has a sentence');
  assert.ok(answer.status >= 500 || ociCodes.includes(first.code), `${first.code} is a code of OCI`);
  return `${answer.status} ${first.code}`;
}

export function digestOf(bytes: string | Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Pushes a blob in one request and answers its digest. */
export async function pushBlob(
  send: Send,
  name: string,
  bytes: string | Uint8Array,
  algorithm = 'sha256',
): Promise<string> {
  const digest = digestOf(bytes, algorithm);
  const pushed = await send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
  assert.equal(pushed.status, 201, String(pushed.body));
  return digest;
}

export function descriptor(bytes: string | Uint8Array, mediaType = 'application/octet-stream') {
  return { mediaType, digest: digestOf(bytes), size: Buffer.byteLength(bytes) };
}

/** The text of an image manifest whose config is `{}` and whose layers are the given texts. */
export function imageOf(layers: readonly string[] = [], more: Readonly<Record<string, unknown>> = {}) {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: descriptor('{}', 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar')),
    ...more,
  });
}

/** Pushes config, layers and manifest, and answers the manifest's digest. */
export async function pushImage(
  send: Send,
  name: string,
  reference: string,
  { layers = [], more = {} }: { layers?: readonly string[]; more?: Readonly<Record<string, unknown>> } = {},
): Promise<string> {
  for (const bytes of ['{}', ...layers]) await pushBlob(send, name, bytes);
  const body = imageOf(layers, more);
  const pushed = await putManifest(send, name, reference, body);
  assert.equal(pushed.status, 201, String(pushed.body));
  return digestOf(body);
}

export function putManifest(
  send: Send,
  name: string,
  reference: string,
  body: string | Uint8Array,
  contentType: string | undefined = ociManifest,
): Promise<Answer> {
  return send('PUT', `/v2/${name}/manifests/${reference}`, {
    body,
    headers: contentType === '' ? {} : { 'content-type': contentType },
  });
}

/** Opens an upload session and answers its Location. */
export async function openUpload(send: Send, name: string, query = ''): Promise<string> {
  const opened = await send('POST', `/v2/${name}/blobs/uploads/${query}`);
  assert.equal(opened.status, 202, String(opened.body));
  return opened.headers.location ?? '';
}

/** Every file of the store with its size: what a refused request must leave unchanged. */
export async function listStore({ dataDir }: Pick<TestRegistry, 'dataDir'>): Promise<readonly string[]> {
  const files: string[] = [];
  for (const top of ['docker', 'berth/tmp', 'berth/quarantine']) {
    const entries = await readdir(join(dataDir, top), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries.filter((each) => each.isFile())) {
      const path = join(entry.parentPath, entry.name);
      files.push(`${path.slice(dataDir.length)} ${(await stat(path)).size}`);
    }
  }
  return files.toSorted();
}

export interface WireUser {
  readonly role: 'admin' | 'push' | 'pull';
  readonly repositories?: readonly string[];
  readonly grants?: readonly {
    readonly repositories: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly disabled?: boolean;
}

/**
 * A registry with login whose users have their own name as password, hashed at `cost`, the lowest if absent. `tokens`
 * are those of access.json.
 */
export async function startWithUsers(
  users: Readonly<Record<string, WireUser>>,
  {
    tokens = [],
    cost = 4,
    ...options
  }: RegistryOptions & { readonly tokens?: readonly object[]; readonly cost?: number } = {},
): Promise<TestRegistry> {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-wire-'));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  await mkdir(join(dataDir, 'berth'), { mode: 0o700 });
  const lines = Object.keys(users).map((name) => `${name}:${hashSync(name, cost)}\n`);
  const access = {
    version: 1,
    users: Object.entries(users).map(([name, user]) => ({ name, ...user })),
    tokens,
  };
  await writeFile(join(dataDir, 'berth', 'users'), lines.join(''), { mode: 0o600 });
  await writeFile(join(dataDir, 'berth', 'access.json'), JSON.stringify(access), { mode: 0o600 });
  const registry = await startRegistry({ auth: 'htpasswd', ...options, dataDir });
  const owned = cleanup.move();
  return {
    ...registry,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await owned.disposeAsync();
    },
  };
}
