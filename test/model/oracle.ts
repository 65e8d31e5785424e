/**
 * The oracle: a registry as a few maps, what everyone may see of it, and the contents that the runs push. Nothing here
 * knows of HTTP, and nothing of the product is used.
 */
import { createHash } from 'node:crypto';

export interface Content {
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface ManifestContent extends Content {
  readonly mediaType: string;
  /** Digests of blobs that must be there before it. */
  readonly blobs: readonly string[];
  /** Digests of manifests that must be there before it. */
  readonly children: readonly string[];
  readonly subject?: string;
  readonly artifactType?: string;
}

/** Everything that one run pushes; other bytes in each run, so that runs can share a registry. */
export interface Contents {
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  readonly blobs: readonly Content[];
  readonly manifests: readonly ManifestContent[];
}

export interface Repository {
  readonly blobs: Set<string>;
  readonly manifests: Set<string>;
  readonly tags: Map<string, string>;
}

export interface Upload {
  readonly repository: string;
  readonly location: string;
  bytes: Buffer;
}

/** What was deleted and can be restored. */
export interface Trashed {
  readonly repository: string;
  readonly digest: string;
  readonly tags: readonly string[];
}

export interface Model {
  readonly contents: Contents;
  readonly repositories: Map<string, Repository>;
  /** Open sessions, and ended ones, which must stay unknown. */
  uploads: Upload[];
  ended: Upload[];
  trash: Trashed[];
  /** Blobs that are stored, linked somewhere or not. A killed push leaves it open, and so does a collection. */
  readonly stored: Map<string, 'yes' | 'maybe'>;
}

/** A change of the model that shows at once, as a whole. */
export type Step = (model: Model) => void;

const oci = 'application/vnd.oci.image';

export function createContents(run: string): Contents {
  const config = content(`{"run":"${run}"}`);
  const [small, large, empty] = [content(`${run} layer`), content(run.repeat(5000)), content('')];
  const [runs, other] = [image({ config, layers: [] }), image({ config, layers: [small, large] })];
  const docker = image(
    { config, layers: [small, empty] },
    'application/vnd.docker.distribution.manifest.v2+json',
  );
  const signature = image({ config, layers: [], subject: runs, artifactType: 'application/x.signature' });
  const report = image({ config: empty, layers: [], subject: other, artifactType: 'application/x.report' });
  return {
    repositories: [`${run}/a`, `${run}/a-b`],
    tags: ['latest', '1.0', 'v2'],
    blobs: [config, small, large, empty],
    manifests: [
      runs,
      other,
      docker,
      signature,
      report,
      index({ manifests: [runs, other] }),
      index({ manifests: [], subject: runs, artifactType: 'application/x.list' }),
    ],
  };
}

function content(text: string): Content {
  const bytes = Buffer.from(text);
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes };
}

interface ImageParts {
  readonly config: Content;
  readonly layers: readonly Content[];
  readonly subject?: ManifestContent;
  readonly artifactType?: string;
}

function image(parts: ImageParts, mediaType = `${oci}.manifest.v1+json`): ManifestContent {
  const { config, layers } = parts;
  const body = {
    config: descriptor(config, `${oci}.config.v1+json`),
    layers: layers.map((layer) => descriptor(layer, `${oci}.layer.v1.tar`)),
  };
  return manifest({ mediaType, body, blobs: [config, ...layers], children: [], ...about(parts) });
}

function index(
  parts: { readonly manifests: readonly ManifestContent[] } & Pick<ImageParts, 'subject' | 'artifactType'>,
): ManifestContent {
  const body = { manifests: parts.manifests.map((each) => descriptor(each, each.mediaType)) };
  const mediaType = `${oci}.index.v1+json`;
  return manifest({ mediaType, body, blobs: [], children: parts.manifests, ...about(parts) });
}

function about({ subject, artifactType }: Pick<ImageParts, 'subject' | 'artifactType'>) {
  return { ...(subject && { subject }), ...(artifactType !== undefined && { artifactType }) };
}

function manifest({
  mediaType,
  body,
  blobs,
  children,
  subject,
  artifactType,
}: {
  readonly mediaType: string;
  readonly body: object;
  readonly blobs: readonly Content[];
  readonly children: readonly Content[];
  readonly subject?: ManifestContent;
  readonly artifactType?: string;
}): ManifestContent {
  const more = { ...(subject && { subject: descriptor(subject, subject.mediaType) }), artifactType };
  return {
    ...content(JSON.stringify({ schemaVersion: 2, mediaType, ...body, ...more }, undefined, 1)),
    mediaType,
    blobs: blobs.map(({ digest }) => digest),
    children: children.map(({ digest }) => digest),
    ...(subject && { subject: subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
  };
}

function descriptor({ digest, bytes }: Content, mediaType: string) {
  return { mediaType, digest, size: bytes.length };
}

export function createModel(contents: Contents): Model {
  return {
    contents,
    repositories: new Map(
      contents.repositories.map((name) => [
        name,
        { blobs: new Set(), manifests: new Set(), tags: new Map() },
      ]),
    ),
    uploads: [],
    ended: [],
    trash: [],
    stored: new Map(),
  };
}

export function repositoryOf(model: Model, name: string): Repository {
  const found = model.repositories.get(name);
  if (found === undefined) throw new Error(`the model has no repository ${name}`);
  return found;
}

/** A manifest with all that it lists: the last of them first, itself in the end. */
export function closureOf(model: Model, digest: string): readonly ManifestContent[] {
  const found = model.contents.manifests.find((each) => each.digest === digest);
  if (found === undefined) throw new Error(`the model has no manifest ${digest}`);
  return [...found.children.toReversed().flatMap((child) => closureOf(model, child)), found];
}

/** The blobs that a collection must keep: those of manifests that are there or can be restored. */
export function neededBlobs(model: Model): ReadonlySet<string> {
  const roots = [
    ...[...model.repositories.values()].flatMap(({ manifests }) => [...manifests]),
    ...model.trash.map(({ digest }) => digest),
  ];
  return new Set(roots.flatMap((root) => closureOf(model, root).flatMap(({ blobs }) => blobs)));
}

export function describeTrashed({ repository, digest, tags }: Trashed): string {
  return [repository, digest, ...tags.toSorted()].join(' ');
}

/** What is seen of a registry: per place, what it answers. Two registries in the same state look the same. */
export type View = Readonly<Record<string, unknown>>;

/** Where one looks, and what the model says is seen there. */
export function viewOf(model: Model): View {
  const { contents } = model;
  const view: Record<string, unknown> = {};
  const isLive = (name: string): boolean => repositoryOf(model, name).manifests.size > 0;
  // Names are chosen so that the byte order of names is not that of a walk: a, a-b.
  view['trash'] = model.trash.map(describeTrashed).toSorted();
  view['catalog'] = contents.repositories.filter(isLive);
  for (const name of contents.repositories) {
    const { blobs, manifests, tags } = repositoryOf(model, name);
    view[`${name}/tags/list`] = isLive(name) ? [...tags.keys()].toSorted() : 404;
    for (const tag of contents.tags) view[`${name}/manifests/${tag}`] = tags.get(tag) ?? 404;
    for (const { digest, mediaType, bytes } of contents.manifests) {
      view[`${name}/manifests/${digest}`] = manifests.has(digest) ? `${mediaType} ${String(bytes)}` : 404;
      if (!contents.manifests.some((each) => each.subject === digest)) continue;
      const referrers = contents.manifests.filter(
        (each) => each.subject === digest && manifests.has(each.digest),
      );
      view[`${name}/referrers/${digest}`] = referrers
        .map((each) => `${each.digest} ${each.artifactType ?? ''}`)
        .toSorted();
    }
    for (const { digest } of contents.blobs)
      view[`${name}/blobs/${digest}`] = blobs.has(digest) ? digest : 404;
  }
  for (const { location, bytes } of model.uploads) view[location] = `0-${Math.max(0, bytes.length - 1)}`;
  for (const { location } of model.ended) view[location] = 404;
  return view;
}
