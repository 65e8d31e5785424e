/** One image or artifact, put together from its manifest, its config and the index. What cannot be told is a note. */
import type { Index } from '../derived/index-db.ts';
import type { ImageDetail, LayerRow } from '../spec/admin/image.ts';
import { type Digest, digestParts } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { parseTag, type RepoName } from '../spec/names.ts';
import type { FoundManifest, Reference } from '../store/manifests.ts';
import type { ProtectedBy } from '../store/protection.ts';
import type { Store } from '../store/store.ts';
import { readBlob } from './blob-text.ts';
import { describeHistory, rebuildDockerfile } from './dockerfile.ts';
import { type ParsedConfig, parseImageConfig, present } from './image-config.ts';
import { type ArtifactKind, isImageConfig, kindOf, kindOfPredicate } from '../spec/kinds.ts';
import { type ManifestView, type PartView, viewManifest } from './manifest-view.ts';

export interface ImageDeps {
  readonly store: Pick<Store, 'blobs' | 'manifests' | 'tags'>;
  readonly index: Pick<Index, 'manifest' | 'builds' | 'referrers' | 'sharing'>;
  readonly protectedBy: ProtectedBy;
}

export interface ImageQuery {
  readonly repository: RepoName;
  readonly reference: Reference;
  readonly platform?: string | undefined;
}

/** Above what any builder writes. */
const configLimit = 1024 * 1024;
const mostTags = 200;
const mostReferrers = 200;
/** Layers of an image, children of an index. Engines refuse more than 127 layers. */
const mostParts = 500;

/**
 * What `images.get` of the control plane answers, of any length.
 * @throws AppError MANIFEST_UNKNOWN also when an index has no child of the platform
 */
export async function describeImage(
  deps: ImageDeps,
  query: ImageQuery,
  signal: AbortSignal,
): Promise<ImageDetail> {
  const { repository, platform } = query;
  const notes: string[] = [];
  const found = await getManifest(deps, repository, query.reference);
  const top = viewManifest(found.bytes);
  if (found.manifest === undefined) notes.push('It is no manifest that this registry would accept.');
  const child = chooseChild(top, query);
  const inside = child === undefined ? found : await findManifest(deps, repository, child.digest);
  if (inside === undefined) notes.push(`The manifest of ${child?.platform ?? 'the child'} is not here.`);
  const view = inside === undefined || inside === found ? top : viewManifest(inside.bytes);
  const parsed = await readConfig(deps, repository, view, notes, signal);
  const history = parsed === undefined ? [] : describeHistory(parsed.history, view.layers.length);
  if (parsed !== undefined && history.some(({ isEmpty, layer }) => !isEmpty && layer === undefined))
    notes.push('The history does not fit to the layers.');
  const digests = [...new Set([found.digest, inside?.digest ?? found.digest])];
  const row = deps.index.manifest({ repository, digest: found.digest });
  if (row === undefined) notes.push('The index does not know it yet: tags and sizes may be missing.');
  const attached = await findAttached(deps, { repository, digests, top, child: child?.digest });
  if (attached.isMore) notes.push(`Only ${mostReferrers} referrers were counted.`);
  const parts = Math.max(view.layers.length, top.manifests.length);
  if (parts > mostParts) notes.push(`It has ${parts} parts; ${mostParts} are shown.`);
  const tags = row?.tags ?? [];
  if (tags.length > mostTags) notes.push(`It has ${tags.length} tags; ${mostTags} are shown.`);
  const total = row?.totalBytes;
  const shownChildren = top.manifests.slice(0, mostParts);
  const builds = deps.index.builds({ repository, digests: shownChildren.map((each) => each.digest) });
  return {
    repository,
    digest: found.digest,
    mediaType: found.mediaType,
    kind: view.kind,
    tags: tags.slice(0, mostTags).map((tag) => tagRow(deps, repository, tag)),
    children: shownChildren.map((each) => ({
      digest: each.digest,
      mediaType: each.mediaType,
      size: each.size,
      ...builds.get(each.digest),
      ...present({ platform: each.platform }),
      isAttestation: isAttestation(each),
    })),
    ...(inside === undefined
      ? {}
      : { manifest: aboutManifest(inside, view, platformOf(parsed) ?? child?.platform ?? platform) }),
    ...present({ config: parsed?.config }),
    history,
    dockerfile: rebuildDockerfile(history),
    layers: layerRows(deps, view, history, inside?.digest ?? found.digest),
    bytes: {
      manifest: manifestBytes(inside, view),
      ...present({ total, exclusive: row?.exclusiveBytes }),
    },
    referrers: attached.kinds,
    hasSignature: attached.has('signature'),
    hasSbom: attached.has('sbom'),
    hasProvenance: attached.has('provenance'),
    notes,
  };
}

async function getManifest(
  deps: ImageDeps,
  repository: RepoName,
  reference: Reference,
): Promise<FoundManifest> {
  const found = await deps.store.manifests.find(repository, reference);
  if (found !== undefined) return found;
  const name = reference.kind === 'tag' ? `tag ${reference.tag}` : `manifest ${reference.digest}`;
  throw new AppError('MANIFEST_UNKNOWN', { message: `${repository} has no ${name}.` });
}

function findManifest(
  deps: ImageDeps,
  repository: RepoName,
  digest: Digest,
): Promise<FoundManifest | undefined> {
  return deps.store.manifests.find(repository, { kind: 'digest', digest });
}

function isAttestation({ platform, annotations }: PartView): boolean {
  return platform === 'unknown/unknown' || annotations[referenceType] === 'attestation-manifest';
}

/** As buildkit marks what it says about another child. */
const referenceType = 'vnd.docker.reference.type';
const referenceDigest = 'vnd.docker.reference.digest';
const predicateType = 'in-toto.io/predicate-type';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

function chooseChild(top: ManifestView, { repository, platform }: ImageQuery): PartView | undefined {
  const children = top.manifests.filter((each) => !isAttestation(each));
  if (platform !== undefined && top.manifests.length > 0) {
    const asked = children.find((each) => isPlatform(each.platform, platform));
    if (asked !== undefined) return asked;
    const names = children.map((each) => each.platform ?? 'no platform').join(', ');
    throw new AppError('MANIFEST_UNKNOWN', {
      message: `${repository} has nothing for ${JSON.stringify(platform)} here, but: ${names.slice(0, 500)}.`,
    });
  }
  const own = `linux/${architectures[process.arch] ?? process.arch}`;
  return children.find((each) => isPlatform(each.platform, own)) ?? children[0];
}

/** A variant that is not asked for may be any. */
function isPlatform(has: string | undefined, asked: string): boolean {
  return has === asked || has?.startsWith(`${asked}/`) === true;
}

async function readConfig(
  { store: { blobs } }: ImageDeps,
  repository: RepoName,
  { config, kind }: ManifestView,
  notes: string[],
  signal: AbortSignal,
): Promise<ParsedConfig | undefined> {
  if (config === undefined || !isImageConfig(config.mediaType)) return undefined;
  const blob = await blobs.find(repository, config.digest);
  if (blob === undefined) {
    notes.push(`The config ${config.digest} is not in this repository.`);
    return undefined;
  }
  try {
    const bytes = await readBlob(blobs, blob, { limit: configLimit, signal });
    const parsed = parseImageConfig(bytes.toString('utf8'));
    if (parsed === undefined && kind === 'image') notes.push('The config is not that of an image.');
    return parsed;
  } catch (error) {
    if (!isAppError(error, 'CONTENT_TOO_LARGE') && !isAppError(error, 'STORAGE_FAILED')) throw error;
    notes.push(error.message);
    return undefined;
  }
}

function platformOf(parsed: ParsedConfig | undefined): string | undefined {
  if (parsed === undefined) return undefined;
  const { os, architecture, variant } = parsed.config;
  const parts = [os, architecture, variant].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('/');
}

function aboutManifest(
  { digest, mediaType, bytes }: FoundManifest,
  { artifactType, config, annotations, subject }: ManifestView,
  platform: string | undefined,
): NonNullable<ImageDetail['manifest']> {
  return {
    digest,
    mediaType,
    size: bytes.length,
    ...present({ platform, artifactType, configDigest: config?.digest, configMediaType: config?.mediaType }),
    annotations,
    ...present({ subject }),
  };
}

function manifestBytes(found: FoundManifest | undefined, { config, layers }: ManifestView): number {
  if (found === undefined) return 0;
  const parts = new Map(
    [...layers, ...(config === undefined ? [] : [config])].map((each) => [each.digest, each]),
  );
  return [...parts.values()].reduce((sum, { size }) => sum + size, found.bytes.length);
}

function layerRows(
  { index }: ImageDeps,
  { layers }: ManifestView,
  history: ImageDetail['history'],
  manifest: Digest,
): readonly LayerRow[] {
  const shown = layers.slice(0, mostParts);
  const shared = index.sharing([...new Set(shown.map(({ digest }) => digest))], manifest);
  const commands = new Map(history.map(({ layer, command }) => [layer, command]));
  let cumulativeBytes = 0;
  return shown.map(({ digest, mediaType, size, annotations, isForeign }, at) => {
    cumulativeBytes += size;
    return {
      digest,
      mediaType,
      size,
      cumulativeBytes,
      ...present({ command: commands.get(at), title: annotations[titleAnnotation] }),
      sharedWith: shared.get(digest) ?? 0,
      isForeign,
    };
  });
}

/** OCI image-spec, "Pre-Defined Annotation Keys". */
export const titleAnnotation = 'org.opencontainers.image.title';

function tagRow({ protectedBy }: ImageDeps, repository: RepoName, text: string): ImageDetail['tags'][number] {
  const tag = parseTag(text);
  return {
    tag: text,
    ...present({ protectedBy: tag === undefined ? undefined : protectedBy(repository, tag) }),
  };
}

// --- what is attached ---

interface Attached {
  readonly kinds: Readonly<Partial<Record<ArtifactKind, number>>>;
  readonly has: (kind: ArtifactKind) => boolean;
  readonly isMore: boolean;
}

/**
 * Three ways to attach something: a manifest with a subject, cosign's tag `sha256-HEX.sig`, and buildkit's attestation
 * beside the image in its index.
 */
async function findAttached(
  deps: ImageDeps,
  {
    repository,
    digests,
    top,
    child,
  }: {
    readonly repository: RepoName;
    readonly digests: readonly Digest[];
    readonly top: ManifestView;
    readonly child: Digest | undefined;
  },
): Promise<Attached> {
  const pages = digests.map((digest) => deps.index.referrers({ repository, digest, limit: mostReferrers }));
  const kinds: Partial<Record<ArtifactKind, number>> = {};
  for (const { artifactType, annotations } of pages.flatMap(({ rows }) => rows)) {
    const kind = kindOf({ artifactType, configType: undefined, layerTypes: [], annotations });
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  const [tagged, built] = await Promise.all([
    taggedKinds(deps, repository, digests),
    attestedKinds(deps, repository, top, child),
  ]);
  const others = new Set([...tagged, ...built]);
  return {
    kinds,
    has: (kind) => (kinds[kind] ?? 0) > 0 || others.has(kind),
    isMore: pages.some(({ next }) => next !== undefined),
  };
}

const cosignTags = [
  ['sig', 'signature'],
  ['att', 'provenance'],
  ['sbom', 'sbom'],
] as const;

async function taggedKinds(
  { store }: ImageDeps,
  repository: RepoName,
  digests: readonly Digest[],
): Promise<readonly ArtifactKind[]> {
  const looks = digests.flatMap((digest) => {
    const { algorithm, hex } = digestParts(digest);
    return cosignTags.map(async ([end, kind]) => {
      // A sha512 digest does not fit into a tag.
      const tag = parseTag(`${algorithm}-${hex}.${end}`);
      const meaning = tag === undefined ? undefined : await store.tags.find(repository, tag);
      return meaning === undefined ? [] : [kind];
    });
  });
  return (await Promise.all(looks)).flat();
}

async function attestedKinds(
  deps: ImageDeps,
  repository: RepoName,
  top: ManifestView,
  child: Digest | undefined,
): Promise<readonly ArtifactKind[]> {
  const attestation = top.manifests.find(
    (each) => isAttestation(each) && child !== undefined && each.annotations[referenceDigest] === child,
  );
  const found =
    attestation === undefined ? undefined : await findManifest(deps, repository, attestation.digest);
  if (found === undefined) return [];
  return viewManifest(found.bytes).layers.flatMap(({ annotations: { [predicateType]: predicate } }) =>
    predicate === undefined ? [] : [kindOfPredicate(predicate)],
  );
}
