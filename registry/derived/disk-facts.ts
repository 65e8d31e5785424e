/** What the disk says about one tag, manifest or blob: everything that the index keeps of it. */
import type { Driver } from '../driver/driver.ts';
import { algorithms, type Digest, digestParts, parseDigest } from '../spec/digest.ts';
import {
  type ArtifactKind,
  type AttachmentKind,
  attachmentsOf,
  isImageConfig,
  kindOf,
} from '../spec/kinds.ts';
import { lifetimeKeys, parseLifetime } from '../spec/lifetime.ts';
import type { Descriptor, Manifest } from '../spec/manifest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { digestOf } from '../store/content.ts';
import { linkTime } from '../store/links.ts';
import { describeManifest, storedLimit, type StoredManifest } from '../store/manifest-cache.ts';
import { blobData, revisionLink, tagLink, tagTree } from '../store/paths.ts';
import type { Store } from '../store/store.ts';

export interface TagFacts {
  readonly digest: Digest;
  /** When the link was written, in milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** False when the link was so young that a further change might leave its time as it is. */
  readonly isSettled: boolean;
}

/** What a tag meant once, and when, as distribution's own tag index tells. */
export interface PastMeaning {
  readonly digest: Digest;
  readonly at: number;
}

export type UseKind = 'self' | 'config' | 'layer' | 'child';

export interface ManifestFacts {
  /** False when its bytes are gone or no manifest: nothing else is known then. */
  readonly isReadable: boolean;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly kind: ArtifactKind;
  /** What it is to the image that it refers to, or stands beside in an index. */
  readonly attachments: readonly AttachmentKind[];
  readonly subject: Digest | undefined;
  readonly platforms: readonly string[];
  readonly children: readonly Digest[];
  readonly annotations: Readonly<Record<string, string>>;
  /** How long it wants to live, by an annotation or by a label of its config. */
  readonly lifetimeMs: number | undefined;
  /** Its own bytes, config, layers and children, each digest once, with the sizes that the manifest says. */
  readonly uses: readonly { readonly digest: Digest; readonly kind: UseKind; readonly size: number }[];
  /** When it came into the repository. */
  readonly pushedAt: number;
  /** When it was made, as its config says, or its annotation; 0 where neither does. */
  readonly createdAt: number;
}

/** Above the granularity of the times of any file system in use (FAT: 2 s). */
const settledMs = 3000;
const configLimit = 1024 * 1024;
const createdNote = 'org.opencontainers.image.created';

export interface DiskFacts {
  tag(repository: RepoName, tag: Tag): Promise<TagFacts | undefined>;
  /** When the link of a tag was written. */
  tagTime(repository: RepoName, tag: Tag): Promise<number | undefined>;
  /** When the link of a manifest was written, in whole milliseconds. */
  manifestTime(repository: RepoName, digest: Digest): Promise<number | undefined>;
  /** In the order of their times. */
  pastOf(repository: RepoName, tag: Tag): Promise<readonly PastMeaning[]>;
  /** Reads it, unless it is `pushed`, which was just checked and written. */
  manifest(repository: RepoName, digest: Digest, pushed?: StoredManifest): Promise<ManifestFacts | undefined>;
  /** The size in bytes of a stored blob. */
  blob(digest: Digest): Promise<number | undefined>;
}

export function createDiskFacts(driver: Driver, store: Pick<Store, 'tags'>, now: () => number): DiskFacts {
  async function tag(repository: RepoName, name: Tag): Promise<TagFacts | undefined> {
    // The time first: what is read after it is at least as new.
    const modifiedAt = await tagTime(repository, name);
    const digest = await store.tags.find(repository, name);
    if (digest === undefined || modifiedAt === undefined) return undefined;
    return { digest, modifiedAt, isSettled: now() - modifiedAt > settledMs };
  }

  const tagTime = (repository: RepoName, name: Tag): Promise<number | undefined> =>
    linkTime(driver, tagLink(repository, name));

  async function pastOf(repository: RepoName, name: Tag): Promise<readonly PastMeaning[]> {
    const past: PastMeaning[] = [];
    for (const algorithm of algorithms) {
      const tree = `${tagTree(repository, name)}/index/${algorithm}`;
      for await (const { name: hex } of driver.list(tree)) {
        const digest = parseDigest(`${algorithm}:${hex}`);
        const link = digest === undefined ? undefined : await driver.stat(`${tree}/${hex}/link`);
        if (digest !== undefined && link !== undefined)
          past.push({ digest, at: Math.floor(link.modifiedAt) });
      }
    }
    return past.toSorted((a, b) => a.at - b.at);
  }

  async function manifestTime(repository: RepoName, digest: Digest): Promise<number | undefined> {
    const modifiedAt = await linkTime(driver, revisionLink(repository, digest));
    return modifiedAt === undefined ? undefined : Math.floor(modifiedAt);
  }

  async function manifest(
    repository: RepoName,
    digest: Digest,
    pushed?: StoredManifest,
  ): Promise<ManifestFacts | undefined> {
    const pushedAt = await manifestTime(repository, digest);
    if (pushedAt === undefined) return undefined;
    const found = pushed ?? (await readManifest(digest));
    if (found?.manifest === undefined)
      return unreadable(digest, found?.mediaType, found?.bytes.length, pushedAt);
    const { mediaType, artifactType, subject, annotations, config, layers, manifests } = found.manifest;
    const uses = [
      { digest, kind: 'self', size: found.bytes.length } as const,
      ...usesOf('config', config === undefined ? [] : [config]),
      ...usesOf('child', manifests),
      ...usesOf('layer', layers),
    ];
    const image = config === undefined ? undefined : await readConfig(config);
    const platforms = config === undefined ? manifests.map((child) => child.platform) : [image?.platform];
    return {
      isReadable: true,
      mediaType,
      artifactType,
      ...typesOf(found.manifest),
      subject: subject?.digest,
      platforms: [...new Set(platforms.filter((platform) => platform !== undefined))],
      children: [...new Set(manifests.map((child) => child.digest))],
      annotations: annotations ?? {},
      lifetimeMs: lifetimeIn(annotations) ?? lifetimeIn(image?.labels),
      // The first use of a digest counts: an empty config may also be the only layer.
      uses: [...new Map(uses.toReversed().map((use) => [use.digest, use])).values()],
      pushedAt,
      createdAt: image?.createdAt || timeIn(annotations?.[createdNote]),
    };
  }

  /** Past the store, whose cache is for what clients ask for, and whose every look renews a lease. */
  async function readManifest(digest: Digest): Promise<StoredManifest | undefined> {
    const info = await driver.stat(blobData(digest));
    if (info === undefined || info.size > storedLimit) return undefined;
    const bytes = await driver.readSmall(blobData(digest), { limit: storedLimit });
    // What is damaged is not listed as what it was.
    if (bytes === undefined || digestOf(bytes, digestParts(digest).algorithm) !== digest) return undefined;
    return describeManifest(bytes);
  }

  /** What stands in the config of an image (OCI image-spec, "Image Configuration"). */
  async function readConfig({ digest, mediaType }: Descriptor): Promise<ImageConfig | undefined> {
    if (!isImageConfig(mediaType)) return undefined;
    const info = await driver.stat(blobData(digest));
    if (info === undefined || info.size > configLimit) return undefined;
    const bytes = await driver.readSmall(blobData(digest), { limit: configLimit });
    return bytes === undefined ? undefined : parseConfig(new TextDecoder().decode(bytes));
  }

  return {
    tag,
    tagTime,
    manifestTime,
    pastOf,
    manifest,
    blob: async (digest) => (await driver.stat(blobData(digest)))?.size,
  };
}

function usesOf(kind: UseKind, descriptors: readonly Descriptor[]) {
  return descriptors.map(({ digest, size }) => ({ digest, kind, size }));
}

function unreadable(
  digest: Digest,
  mediaType: string | undefined,
  size: number | undefined,
  pushedAt: number,
): ManifestFacts {
  return {
    isReadable: size !== undefined,
    mediaType: mediaType ?? '',
    artifactType: undefined,
    kind: 'other',
    attachments: [],
    subject: undefined,
    platforms: [],
    children: [],
    annotations: {},
    lifetimeMs: undefined,
    uses: [{ digest, kind: 'self', size: size ?? 0 }],
    pushedAt,
    createdAt: 0,
  };
}

/** What an index is, its children are; most of them are images. */
function typesOf(manifest: Manifest): Pick<ManifestFacts, 'kind' | 'attachments'> {
  const { isIndex, artifactType, config, layers, annotations = {} } = manifest;
  const thing = {
    artifactType,
    configType: config?.mediaType,
    layerTypes: layers.map(({ mediaType }) => mediaType),
    annotations,
  };
  const predicateTypes = layers
    .map(({ predicateType }) => predicateType)
    .filter((each) => each !== undefined);
  return {
    kind: isIndex && artifactType === undefined ? 'image' : kindOf(thing),
    attachments: attachmentsOf({ ...thing, predicateTypes }),
  };
}

interface ImageConfig {
  readonly platform: string | undefined;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
}

function parseConfig(text: string): ImageConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not every client writes JSON there; such an image has no platform.
    return undefined;
  }
  const { os, architecture, variant, config, created } = Object(value) as Readonly<Record<string, unknown>>;
  const parts = [os, architecture, variant].filter((part) => typeof part === 'string' && part !== '');
  const { Labels: labels } = Object(config) as Readonly<Record<string, unknown>>;
  return {
    platform: parts.length === 0 ? undefined : parts.join('/'),
    labels: Object(labels) as Readonly<Record<string, unknown>>,
    createdAt: timeIn(created),
  };
}

/** The first lifetime that the keys say and that is one. */
function lifetimeIn(texts: Readonly<Record<string, unknown>> = {}): number | undefined {
  return lifetimeKeys
    .map((key) => texts[key])
    .map((text) => (typeof text === 'string' ? parseLifetime(text) : undefined))
    .find((each) => each !== undefined);
}

/** Milliseconds of an RFC 3339 text. Builds that can be repeated say 1970 or the year 1: that is no time. */
function timeIn(text: unknown): number {
  const ms = typeof text === 'string' && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : 0;
  return ms > 0 ? ms : 0;
}
