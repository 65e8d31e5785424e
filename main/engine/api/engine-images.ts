/** Push and pull from the engine's side, with a tiny image that needs no network and no build. */
import { createHash } from 'node:crypto';
import { writeTar } from '../../../registry/archive/tar.ts';
import type { Endpoint } from '../engine.ts';
import type { Credentials } from './engine-auth.ts';
import { fieldsOf, listOf, textOf } from './fields.ts';
import { followProgress, readProgress } from './progress.ts';
import {
  askEngine,
  engineJson,
  engineMessage,
  engineRefusal,
  requestEngine,
  withQuery,
  type WaitOptions,
} from './request.ts';

/** Bytes that a registry stores, with the digest that names them. */
export interface ProbePart {
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
}

/** The image in the form of a registry: OCI image-spec 1.1, one layer, not compressed. */
export interface ProbeImage {
  readonly manifest: ProbePart;
  readonly config: ProbePart;
  readonly layer: ProbePart;
}

/** An engine is silent while it asks a registry again: dockerd waits up to 20 seconds between its tries. */
const transferTimeoutMs = 60_000;

/**
 * Makes the image for an architecture as Go names it, `amd64`. It holds one text file; that of another `run` has another
 * digest, so that who deletes one takes nothing from whoever checks at the same time.
 */
export function probeImage(architecture: string, run: string): ProbeImage {
  const note = 'This image shows that a registry can be reached. It can be removed at any time.\n';
  const layer = part(
    'application/vnd.oci.image.layer.v1.tar',
    writeTar([{ name: 'berth-probe.txt', bytes: Buffer.from(note) }]),
  );
  const created = '1970-01-01T00:00:00Z';
  const config = jsonPart('application/vnd.oci.image.config.v1+json', {
    created,
    architecture,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created, created_by: `berth doctor ${run}` }],
  });
  const manifest = jsonPart('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(config),
    layers: [descriptor(layer)],
  });
  return { manifest, config, layer };
}

/** The image in the form of `docker save`, under a name: Docker Image Specification v1.2, "Combined Image JSON". */
export function dockerArchive({ config, layer }: ProbeImage, ref: string): Buffer {
  const manifest = [{ Config: 'config.json', RepoTags: [ref], Layers: ['layer.tar'] }];
  return writeTar([
    { name: 'config.json', bytes: config.bytes },
    { name: 'layer.tar', bytes: layer.bytes },
    { name: 'manifest.json', bytes: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

/** Puts an archive of `docker save` into the engine, under the names that it holds. Throws ENGINE_FAILED. */
export async function loadImage(
  endpoint: Endpoint,
  archive: Uint8Array,
  { signal }: WaitOptions = {},
): Promise<void> {
  const task = 'cannot load the probe image';
  const request = { method: 'POST', path: '/images/load?quiet=1', body: archive, signal } as const;
  readProgress(endpoint, task, await askEngine(endpoint, task, request));
}

/** An image under one of its names. */
export interface NamedImage {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** The images that have a name, once for each. Throws ENGINE_FAILED. */
export async function listNamedImages(endpoint: Endpoint): Promise<readonly NamedImage[]> {
  const answer = await askEngine(endpoint, 'cannot list its images', { path: '/images/json' });
  return listOf(engineJson(endpoint, answer)).flatMap((entry) => {
    const { Id, RepoTags, Size, Created } = fieldsOf(entry);
    const id = textOf(Id);
    if (id === undefined) return [];
    const createdAt = new Date(Number(Created ?? 0) * 1000).toISOString();
    return listOf(RepoTags).flatMap((name) =>
      // Docker 20.10 calls an image without a name so.
      typeof name === 'string' && name !== '<none>:<none>'
        ? [{ id, name, sizeBytes: Number(Size ?? 0), createdAt }]
        : [],
    );
  });
}

/**
 * Gives the image with that id one more name while `act` runs. Afterwards the name is gone, or means again what it meant
 * before. Throws ENGINE_FAILED, or what `act` throws.
 */
export async function withName(
  endpoint: Endpoint,
  id: string,
  ref: string,
  act: () => Promise<unknown>,
): Promise<void> {
  const former = await findImage(endpoint, ref);
  if (former === id) {
    await act();
    return;
  }
  await nameImage(endpoint, id, ref);
  try {
    await act();
  } finally {
    await (former === undefined ? removeImage(endpoint, ref) : nameImage(endpoint, former, ref));
  }
}

/** The id of the image with that name. */
async function findImage(endpoint: Endpoint, ref: string): Promise<string | undefined> {
  const answer = await requestEngine(endpoint, { path: `/images/${ref}/json` });
  if (answer.status === 404) return undefined;
  if (answer.status >= 400) throw engineRefusal(endpoint, `cannot look at ${ref}`, engineMessage(answer));
  return textOf(fieldsOf(engineJson(endpoint, answer))['Id']);
}

async function nameImage(endpoint: Endpoint, id: string, ref: string): Promise<void> {
  const { name: repo, tag } = splitRef(ref);
  await askEngine(endpoint, `cannot name an image ${ref}`, {
    method: 'POST',
    path: withQuery(`/images/${id}/tag`, { repo, tag }),
  });
}

/** Lets the engine push, and answers the digest of the manifest. Throws ENGINE_FAILED. */
export async function pushImage(
  endpoint: Endpoint,
  ref: string,
  credentials: Credentials,
  { signal }: WaitOptions = {},
): Promise<string> {
  const { name, tag } = splitRef(ref);
  const task = `cannot push ${ref}`;
  // Of a large image it tells more than an answer that is read at once may hold.
  const { digest } = await followProgress(endpoint, task, {
    method: 'POST',
    path: withQuery(`/images/${name}/push`, { tag }),
    headers: registryAuth(ref, credentials),
    timeoutMs: transferTimeoutMs,
    signal,
  });
  if (digest === undefined) throw engineRefusal(endpoint, task, 'it names no digest.');
  return digest;
}

/** Lets the engine pull, and answers the digest of the manifest. Throws ENGINE_FAILED. */
export async function pullImage(
  endpoint: Endpoint,
  ref: string,
  credentials: Credentials,
  { signal }: WaitOptions = {},
): Promise<string> {
  const { name, tag } = splitRef(ref);
  const task = `cannot pull ${ref}`;
  const answer = await askEngine(endpoint, task, {
    method: 'POST',
    path: withQuery('/images/create', { fromImage: name, tag }),
    headers: registryAuth(ref, credentials),
    timeoutMs: transferTimeoutMs,
    signal,
  });
  // Only a sentence names it: `Digest: sha256:...`.
  const sentences = readProgress(endpoint, task, answer).map(({ status }) => status ?? '');
  const [digest] = sentences.flatMap(
    (sentence) => /^Digest: (sha256:[0-9a-f]{64})$/.exec(sentence)?.[1] ?? [],
  );
  if (digest === undefined) throw engineRefusal(endpoint, task, 'it names no digest.');
  return digest;
}

/** Takes the name away, and the image when it has no other. Fine when it is not there. Throws ENGINE_FAILED. */
export async function removeImage(
  endpoint: Endpoint,
  ref: string,
  { signal }: WaitOptions = {},
): Promise<void> {
  const answer = await requestEngine(endpoint, { method: 'DELETE', path: `/images/${ref}`, signal });
  if (answer.status >= 400 && answer.status !== 404) {
    throw engineRefusal(endpoint, `cannot remove ${ref}`, engineMessage(answer));
  }
}

/**
 * The header of a push or pull. The engine decodes base64url with its padding, and takes what it cannot decode for a
 * pull or push without a login (20.10 image_routes.go).
 */
function registryAuth(ref: string, { user, password }: Credentials): Readonly<Record<string, string>> {
  const [serveraddress = ''] = ref.split('/');
  const json = JSON.stringify({ username: user, password, serveraddress });
  const base64 = Buffer.from(json).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return { 'x-registry-auth': base64 };
}

/** Throws an Error for a name that is not HOST:PORT/REPOSITORY:TAG. */
function splitRef(ref: string): { readonly name: string; readonly tag: string } {
  const [, name, tag] = /^([\w.:[\]-]+\/[a-z0-9/._-]+):([\w.-]{1,128})$/.exec(ref) ?? [];
  if (name === undefined || tag === undefined) throw new Error(`no name of an image: ${JSON.stringify(ref)}`);
  return { name, tag };
}

function jsonPart(mediaType: string, value: object): ProbePart {
  return part(mediaType, Buffer.from(JSON.stringify(value)));
}

function part(mediaType: string, bytes: Buffer): ProbePart {
  return { bytes, mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function descriptor({ bytes, mediaType, digest }: ProbePart): object {
  return { mediaType, digest, size: bytes.byteLength };
}
