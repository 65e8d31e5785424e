import type { Driver } from '../driver/driver.ts';
import { type Digest, digestParts } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, ManifestContent, StoreEvents } from '../spec/events.ts';
import { type Manifest, parseManifest } from '../spec/manifest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Blobs } from './blobs.ts';
import { type Content, digestOf } from './content.ts';
import { hasLink, keptLink } from './links.ts';
import type { Leases } from './leases.ts';
import type { Locks } from './locks.ts';
import { type ManifestCache, manifestText, type StoredManifest } from './manifest-cache.ts';
import { neededContent, type ValidationRules } from './needed.ts';
import { blobData, revisionLink, revisionTree } from './paths.ts';
import { growing } from './growing.ts';
import type { RemoveRepository } from './remove-repository.ts';
import type { Removers, RemoveTags, RemoveUntagged, TagRemover } from './remove-tags.ts';
import type { Admit, Use } from './admission.ts';
import { type ProtectedBy, refuseProtected } from './protection.ts';
import type { Tags } from './tags.ts';
import type { Trash } from './trash.ts';

export interface FoundManifest extends StoredManifest {
  readonly digest: Digest;
}

export interface Manifests {
  /**
   * Answers the manifest if the tag or digest is in the repository, and keeps it from the collector for the grace time:
   * clients leave out of a push what they found.
   */
  find(repository: RepoName, reference: Reference): Promise<FoundManifest | undefined>;
  /**
   * Checks and stores a manifest, then points the tags at it. Nothing is stored on failure; durable when it resolves.
   * @throws AppError MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN, TAG_INVALID, TAG_PROTECTED,
   * QUOTA_EXCEEDED
   */
  put(push: ManifestPush): Promise<PutResult>;
  /**
   * Passes if the tag may mean the digest, before the content for it is brought.
   * @throws AppError TAG_INVALID, TAG_PROTECTED
   */
  checkTag(repository: RepoName, tag: Tag, to: Digest): Promise<void>;
  /**
   * Points a tag at a manifest of the repository, durably, and answers what it meant before.
   * @throws AppError MANIFEST_UNKNOWN, TAG_INVALID
   */
  setTag(repository: RepoName, tag: Tag, to: Digest, actor: Actor): Promise<Digest | undefined>;
  /**
   * Removes a tag; the manifest stays. Answers the id of its entry in the trash, or `undefined` when there was no such
   * tag.
   */
  removeTag(repository: RepoName, tag: Tag, actor: Actor): Promise<string | undefined>;
  /** Removes tags by a remover of their own. */
  readonly removeTags: RemoveTags;
  tagRemover(repository: RepoName): TagRemover;
  readonly removeUntagged: RemoveUntagged;
  /**
   * Removes a manifest and every tag that means it. Answers the id of its entry in the trash, or `undefined` when
   * there was no such manifest.
   * @throws AppError MANIFEST_IN_USE when an index of the repository lists it
   */
  remove(repository: RepoName, digest: Digest, actor: Actor): Promise<string | undefined>;
  readonly removeRepository: RemoveRepository;
}

export type Reference =
  { readonly kind: 'tag'; readonly tag: Tag } | { readonly kind: 'digest'; readonly digest: Digest };

export interface ManifestPush {
  readonly repository: RepoName;
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  /** The digest that the client says the bytes have. */
  readonly digest: Digest | undefined;
  readonly tags: readonly Tag[];
  readonly actor: Actor;
}

export interface PutResult {
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** Things a person should know, for Warning headers. */
  readonly warnings: readonly string[];
}

export function createManifests({
  driver,
  events,
  locks,
  leases,
  content,
  cache,
  tags,
  trash,
  blobs,
  rules,
  removeRepository,
  tagRemover,
  removeUntagged,
  protectedBy,
  admit,
}: Removers & {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly leases: Leases;
  readonly content: Content;
  readonly cache: ManifestCache;
  readonly tags: Tags;
  readonly trash: Trash;
  readonly blobs: Blobs;
  readonly rules: () => ValidationRules;
  readonly removeRepository: RemoveRepository;
  readonly protectedBy: ProtectedBy;
  readonly admit: Admit;
}): Manifests {
  async function find(repository: RepoName, reference: Reference): Promise<FoundManifest | undefined> {
    const digest =
      reference.kind === 'digest' ? reference.digest : await tags.find(repository, reference.tag);
    return digest === undefined ? undefined : await leases.lookUp(digest, () => look(repository, digest));
  }

  async function look(repository: RepoName, digest: Digest): Promise<FoundManifest | undefined> {
    if (!(await hasLink(driver, revisionLink(repository, digest)))) return undefined;
    const stored = await cache.get(digest);
    return stored && { ...stored, digest };
  }

  async function put({
    repository,
    bytes,
    contentType,
    digest: said,
    tags: names,
    actor,
  }: ManifestPush): Promise<PutResult> {
    const manifest = parseManifest(manifestText(bytes), contentType);
    const digest = digestOf(bytes, said === undefined ? 'sha256' : digestParts(said).algorithm);
    if (said !== undefined && said !== digest) {
      throw new AppError('DIGEST_INVALID', {
        message: `The manifest received has the digest ${digest}, not ${said}.`,
        detail: said,
      });
    }
    checkUrls(manifest);
    return await locks.shared(repository, async () => {
      for (const tag of names) await checkTag(repository, tag, digest);
      // From before it is looked for until the manifest is written: what was found must be there then.
      using _ = await holdAll(namedBy(manifest, digest));
      const { warnings, sizes } = await checkContent(repository, manifest);
      const uses = [{ digest, size: bytes.length }, ...usesOf(manifest, sizes)];
      using admitted = admit({ by: 'push', repository, tags: names, uses });
      const linked = [[keptLink(revisionLink(repository, digest), digest)]];
      await growing(locks, repository, () => content.storeBytes(digest, bytes, linked));
      await events.manifestPushed({
        repository,
        digest,
        mediaType: manifest.mediaType,
        size: bytes.length,
        bytes,
        manifest,
        tags: names,
        actor,
      });
      const stored = { mediaType: manifest.mediaType, bytes };
      for (const tag of names) await moveTag(repository, tag, digest, { manifest: stored, actor });
      return { digest, manifest, warnings: [...warnings, ...admitted.warnings] };
    });
  }

  /** Holds digests, and keeps them for the grace time after: a push that is refused is tried again. */
  async function holdAll(digests: readonly Digest[]): Promise<Disposable> {
    const held = await leases.hold(digests);
    return {
      [Symbol.dispose]() {
        for (const digest of digests) leases.renew(digest);
        held[Symbol.dispose]();
      },
    };
  }

  async function setTag(
    repository: RepoName,
    tag: Tag,
    to: Digest,
    actor: Actor,
  ): Promise<Digest | undefined> {
    return await locks.shared(repository, async () => {
      await tags.checkStorable(repository, tag);
      using held = new DisposableStack();
      held.use(await holdAll([to]));
      if (!(await hasLink(driver, revisionLink(repository, to)))) {
        throw new AppError('MANIFEST_UNKNOWN', {
          message: `The repository ${repository} has no manifest ${to}.`,
          detail: { name: repository, reference: to },
        });
      }
      held.use(admit({ by: 'tag', repository, tags: [tag], uses: [] }));
      return await moveTag(repository, tag, to, { manifest: await cache.get(to), actor });
    });
  }

  async function checkTag(repository: RepoName, tag: Tag, to: Digest): Promise<void> {
    await tags.checkStorable(repository, tag);
    await checkProtection(repository, tag, to);
  }

  async function moveTag(
    repository: RepoName,
    tag: Tag,
    to: Digest,
    { manifest, actor }: { readonly manifest: ManifestContent | undefined; readonly actor: Actor },
  ): Promise<Digest | undefined> {
    return await locks.exclusive(`${repository}:${tag}`, async () => {
      // Again, since another push may have given the tag its meaning meanwhile.
      const from = await checkProtection(repository, tag, to);
      await tags.move(repository, tag, to);
      // What has lost its last tag stays for the grace time from here on.
      if (from !== undefined) leases.renew(from);
      await events.tagMoved({ repository, tag, from, to, manifest, actor });
      return from;
    });
  }

  /** Answers what the tag means. Throws TAG_PROTECTED if it may not mean `to` instead; `undefined` is a delete. */
  async function checkProtection(
    repository: RepoName,
    tag: Tag,
    to: Digest | undefined,
  ): Promise<Digest | undefined> {
    const from = await tags.find(repository, tag);
    if (from !== undefined && from !== to) refuseProtected(protectedBy, repository, { tag, from });
    return from;
  }

  function checkUrls({ config, layers }: Manifest): void {
    const { allow, deny } = rules().urls;
    const urls = [config, ...layers].flatMap((descriptor) => descriptor?.urls ?? []);
    const refused = urls.find(
      (url) =>
        (allow.length > 0 && !allow.some((rule) => rule.test(url))) || deny.some((rule) => rule.test(url)),
    );
    if (refused !== undefined) {
      throw new AppError('MANIFEST_INVALID', {
        message: 'The manifest is not valid. A url of a layer is refused by validation.manifests.urls.',
      });
    }
  }

  /** What a manifest consists of and what it lists, as large as it was found; as it says where nobody looked. */
  function usesOf(
    { config, layers, manifests }: Manifest,
    sizes: ReadonlyMap<Digest, number>,
  ): readonly Use[] {
    const isLookedFor = rules().enabled && !rules().sparse;
    return [config, ...layers, ...manifests]
      .filter((part) => part !== undefined)
      .map(({ digest, size }) => ({ digest, size: sizes.get(digest) ?? (isLookedFor ? 0 : size) }));
  }

  /** Answers the sizes of what was looked for. Throws MANIFEST_BLOB_UNKNOWN. */
  async function checkContent(repository: RepoName, manifest: Manifest) {
    const warnings: string[] = [];
    const sizes = new Map<Digest, number>();
    const missing: Digest[] = [];
    for (const descriptor of neededContent(manifest, rules())) {
      const size = manifest.isIndex
        ? await childSize(repository, descriptor.digest)
        : (await blobs.find(repository, descriptor.digest))?.size;
      if (size === undefined) {
        missing.push(descriptor.digest);
        continue;
      }
      sizes.set(descriptor.digest, size);
      if (size !== descriptor.size) {
        warnings.push(`${descriptor.digest} has ${size} bytes, the manifest says ${descriptor.size}`);
      }
    }
    if (missing.length > 0) throw missingContent(repository, missing);
    return { warnings, sizes };
  }

  /** Children of an index are manifests; artifacts may list blobs. */
  async function childSize(repository: RepoName, digest: Digest): Promise<number | undefined> {
    if (await hasLink(driver, revisionLink(repository, digest))) {
      return (await driver.stat(blobData(digest)))?.size;
    }
    return (await blobs.find(repository, digest))?.size;
  }

  async function removeTag(repository: RepoName, tag: Tag, actor: Actor): Promise<string | undefined> {
    return await locks.exclusive(repository, async () => {
      const from = await checkProtection(repository, tag, undefined);
      if (from === undefined) return undefined;
      const id = await trash.add({ repository, digest: from, tags: [tag], actor });
      await tags.remove(repository, tag);
      await events.tagDeleted({ repository, tag, from, actor });
      return id;
    });
  }

  async function remove(repository: RepoName, digest: Digest, actor: Actor): Promise<string | undefined> {
    return await locks.exclusive(repository, async () => {
      if (!(await hasLink(driver, revisionLink(repository, digest)))) return undefined;
      for await (const { digest: parent, manifest } of cache.all(repository)) {
        if (manifest.manifests.some((child) => child.digest === digest)) {
          throw new AppError('MANIFEST_IN_USE', {
            message: `The manifest is part of the index ${parent}. Delete that first.`,
            detail: { digest, index: parent },
          });
        }
      }
      const meant: Tag[] = [];
      for await (const tag of tags.list(repository)) {
        if ((await tags.find(repository, tag)) === digest) meant.push(tag);
      }
      for (const tag of meant) refuseProtected(protectedBy, repository, { tag, from: digest });
      const id = await trash.add({ repository, digest, tags: meant, actor });
      // Tags first: a crash in between leaves a manifest without tags, never a tag without its manifest.
      for (const tag of meant) await tags.remove(repository, tag);
      await driver.removeTree(revisionTree(repository, digest));
      await events.manifestDeleted({ repository, digest, tags: meant, actor });
      return id;
    });
  }

  const removeTags: RemoveTags = async (repository, removals, options) => {
    using remover = tagRemover(repository);
    return await remover.remove(removals, options);
  };

  return {
    find,
    put,
    checkTag,
    setTag,
    removeTag,
    removeTags,
    tagRemover,
    removeUntagged,
    remove,
    removeRepository,
  };
}

/** A manifest and every digest in it. */
function namedBy(manifest: Manifest, digest: Digest): readonly Digest[] {
  const { config, layers, manifests, subject } = manifest;
  const named = [config, ...layers, ...manifests, subject].map((each) => each?.digest);
  return [...new Set([digest, ...named])].filter((each) => each !== undefined);
}

function missingContent(repository: RepoName, missing: readonly Digest[]): AppError {
  const entries = missing.map((digest) => ({
    message: `The repository ${repository} does not have ${digest}. Push it first.`,
    detail: digest,
  }));
  const [first, ...also] = entries;
  return new AppError('MANIFEST_BLOB_UNKNOWN', { ...first, also });
}
