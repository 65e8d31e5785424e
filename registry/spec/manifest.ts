/**
 * What Berth reads of a manifest, and the checks that a pushed one must pass before anything is stored.
 * Sources: OCI image-spec 1.1 "Image Manifest", "Image Index"; docker "Image Manifest Version 2, Schema 2".
 * Everything that is not read here is kept byte for byte.
 */
import { type Digest, parseDigest } from './digest.ts';
import { AppError } from './errors.ts';
import {
  bareMediaType,
  isIndexType,
  type ManifestMediaType,
  manifestMediaTypes,
  mediaTypes,
  parseManifestMediaType,
} from './media-types.ts';
import { readFields, strictJsonProblem } from './strict-json.ts';

/** A pointer to content (OCI image-spec, "Content Descriptors"), as far as it is read. `size` is in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** True when the content may live elsewhere: `urls` are given. They are never fetched. */
  readonly hasUrls: boolean;
  /** The `urls` themselves, for the rule that may refuse them. */
  readonly urls: readonly string[];
  /** `os/architecture` of a child of an index. */
  readonly platform: string | undefined;
  /** What an attestation says, by the annotation of BuildKit or that of cosign. */
  readonly predicateType: string | undefined;
}

/** A manifest or index. An image has `config` and `layers`, an index has `manifests`. */
export interface Manifest {
  readonly mediaType: ManifestMediaType;
  readonly isIndex: boolean;
  readonly config: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
  /** The artifact type for listings of referrers: the own one, else the config's media type of an image. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** The deepest nesting of objects and lists in a manifest. */
const maxManifestDepth = 64;

/**
 * The most commas and opening brackets in a manifest, which bound what is made of it. The shortest descriptors have four,
 * and 130,000 in 4 MiB; a million of those that nobody needs stop every other request for as long as they are parsed.
 */
const maxManifestParts = 150_000;

/**
 * The most keys that are no fields, such as those of annotations: each that is unlike the others costs as much as ten
 * parts. A manifest of 4 MiB whose layers all have a title and one more has 36,000.
 */
const maxOwnKeys = 40_000;

const withoutFields = readFields();
const platformFields = readFields({ os: withoutFields, architecture: withoutFields, variant: withoutFields });
const descriptorFields = readFields({
  mediaType: withoutFields,
  digest: withoutFields,
  size: withoutFields,
  urls: withoutFields,
  annotations: withoutFields,
  data: withoutFields,
  artifactType: withoutFields,
  platform: platformFields,
});
const manifestFields = readFields({
  schemaVersion: withoutFields,
  mediaType: withoutFields,
  artifactType: withoutFields,
  config: descriptorFields,
  layers: descriptorFields,
  manifests: descriptorFields,
  subject: descriptorFields,
  annotations: withoutFields,
});

/**
 * Parses a pushed manifest.
 * @param contentType the header as sent, or `undefined`
 * @throws AppError MANIFEST_INVALID, its message naming the rule that is broken
 */
export function parseManifest(text: string, contentType: string | undefined): Manifest {
  const body = readObject(text);
  const mediaType = decideMediaType(body, contentType);
  const isIndex = isIndexType(mediaType);
  if (body['schemaVersion'] !== 2) throw invalidManifest('schemaVersion must be 2.');
  if (present(body['layers']) && present(body['manifests'])) {
    throw invalidManifest('A manifest has layers or manifests, not both.');
  }
  if (isIndex && present(body['config'])) throw invalidManifest('An index has no config.');
  if (isIndex && present(body['layers'])) throw invalidManifest('An index has no layers.');
  if (!isIndex && present(body['manifests'])) throw invalidManifest('An image manifest has no manifests.');
  const artifactType = optionalString(body['artifactType'], 'artifactType');
  const config = isIndex ? undefined : descriptor(body['config'], 'config');
  return {
    mediaType,
    isIndex,
    config,
    layers: isIndex ? [] : descriptors(body['layers'], 'layers'),
    manifests: isIndex ? descriptors(body['manifests'], 'manifests') : [],
    subject: present(body['subject']) ? descriptor(body['subject'], 'subject') : undefined,
    artifactType: artifactType === undefined || artifactType === '' ? config?.mediaType : artifactType,
    annotations: annotations(body['annotations'], 'annotations'),
  };
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  const problem = strictJsonProblem(text, {
    maxDepth: maxManifestDepth,
    maxParts: maxManifestParts,
    maxOwnKeys,
    fields: manifestFields,
  });
  if (problem !== undefined) throw invalidManifest(problem);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not as the cause: a SyntaxError of JSON.parse keeps all of the text for as long as somebody keeps the error.
    throw invalidManifest('It is not JSON.');
  }
  if (!isObject(value)) throw invalidManifest('It is not a JSON object.');
  return value;
}

function decideMediaType(
  body: Readonly<Record<string, unknown>>,
  contentType: string | undefined,
): ManifestMediaType {
  const said = optionalString(body['mediaType'], 'mediaType');
  const header = contentType === undefined ? '' : bareMediaType(contentType);
  const inBody = said === undefined || said === '' ? undefined : said;
  const name = header === '' ? inBody : header;
  if (name === undefined) {
    throw invalidManifest('Neither Content-Type nor mediaType tells its media type.');
  }
  const type = parseManifestMediaType(name);
  if (type === undefined) {
    throw invalidManifest(`The media type is not supported. Supported: ${manifestMediaTypes.join(', ')}.`);
  }
  if (inBody !== undefined && inBody !== type) throw invalidManifest('Content-Type and mediaType differ.');
  if (inBody === undefined && (type === mediaTypes.dockerManifest || type === mediaTypes.dockerList)) {
    throw invalidManifest('Docker manifests must carry mediaType.');
  }
  // Without mediaType the type is later derived from the shape, so header and shape must agree.
  if (inBody === undefined && isIndexType(type) !== present(body['manifests'])) {
    throw invalidManifest('Without mediaType, an index must have manifests and an image must not.');
  }
  return type;
}

function descriptors(value: unknown, where: string): readonly Descriptor[] {
  if (!present(value)) return [];
  if (!Array.isArray(value)) throw invalidManifest(`${where} must be a list.`);
  return value.map((entry, at) => descriptor(entry, `${where}[${at}]`));
}

function descriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw invalidManifest(`${where} must be a descriptor.`);
  const mediaType = value['mediaType'];
  if (typeof mediaType !== 'string' || mediaType === '') throw invalidManifest(`${where} has no mediaType.`);
  const digest = typeof value['digest'] === 'string' ? parseDigest(value['digest']) : undefined;
  if (digest === undefined) throw invalidManifest(`${where} has no valid sha256 or sha512 digest.`);
  const size = value['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalidManifest(`${where} has no valid size.`);
  }
  const notes = annotations(value['annotations'], `${where}.annotations`);
  const predicateType = notes?.['in-toto.io/predicate-type'] ?? notes?.['predicateType'];
  const urls = strings(value['urls'], `${where}.urls`);
  return {
    mediaType,
    digest,
    size,
    hasUrls: urls.length > 0,
    urls,
    platform: platform(value['platform']),
    predicateType,
  };
}

function platform(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const parts = [value['os'], value['architecture'], value['variant']];
  const named = parts.filter((part) => typeof part === 'string' && part !== '');
  return named.length === 0 ? undefined : named.join('/');
}

function annotations(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (!present(value)) return undefined;
  if (!isObject(value)) throw invalidManifest(`${where} must be an object.`);
  if (!Object.values(value).every((text) => typeof text === 'string')) {
    throw invalidManifest(`${where} must hold strings only.`);
  }
  return value as Record<string, string>;
}

function strings(value: unknown, where: string): readonly string[] {
  if (!present(value)) return [];
  if (!Array.isArray(value) || !value.every((text) => typeof text === 'string')) {
    throw invalidManifest(`${where} must be a list of strings.`);
  }
  return value;
}

function optionalString(value: unknown, where: string): string | undefined {
  if (!present(value)) return undefined;
  if (typeof value !== 'string') throw invalidManifest(`${where} must be a string.`);
  return value;
}

/** `null` counts as absent: Go writes nil lists so. */
function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A refusal that names the rule the manifest breaks. */
export function invalidManifest(rule: string, cause?: unknown): AppError {
  return new AppError('MANIFEST_INVALID', { message: `The manifest is not valid. ${rule}`, cause });
}
