/**
 * Images from a bundle into the registry, as a push would bring them:
 *
 *   survey      manifests are read and checked, sizes compared; nothing is stored
 *   destine     every image gets a repository, and a tag unless it is known by its digest alone
 *   hold        content that is here already stays until the end
 *   refuse      what is neither here nor in the bundle is missing; tags that may not move are protected
 *   blobs       in the order of the file, hashed on their way; linked where they are here already
 *   manifests   children first
 *   tags        last, when all of it is durable
 *
 * A failure or a crash before the tags leaves content that nothing names, and the collector takes that.
 */
import { Readable } from 'node:stream';
import type { BundleRow, ImageRow } from '../spec/admin/transfer.ts';
import { type Digest, digestParts } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import type { ArchiveOptions, Entry } from './archive.ts';
import { type Bundle, openBundle } from './bundle.ts';
import {
  decideDestinations,
  type Destination,
  type Destinations,
  type Naming,
  placeOf,
} from './destinations.ts';
import type { Root } from './images.ts';
import { invalidBundle, shown } from './invalid.ts';
import { manifestsBelow, readManifest, type Survey, surveyBundle } from './survey.ts';

export interface ImportOptions extends ArchiveOptions, Naming {
  readonly store: Store;
  /** A file or directory. */
  readonly path: string;
  readonly dryRun: boolean;
  readonly actor: Actor;
  /** Free bytes of the registry's disk, where that is known. */
  readonly freeBytes: () => Promise<number | undefined>;
  /** Bytes that are stored, of those that have to be. */
  readonly progress: (done: number, total: number) => void;
}

/** Rows beyond this are not answered: a message has a limit. */
const mostRows = 1000;

/**
 * Says what a bundle holds, and what of it is new.
 * @throws AppError PATH_REFUSED, BUNDLE_INVALID, STORAGE_FULL
 */
export async function inspectBundle(
  path: string,
  { store, ...options }: ArchiveOptions & { readonly store: Store },
): Promise<BundleRow> {
  await using bundle = await openBundle(path, options);
  const survey = await surveyBundle(bundle, options.signal);
  const naming = { prefix: undefined, renames: [] };
  const places = bundle.roots.map((root) => placeOf(root, bundle, naming) ?? { root });
  return await describe(store, bundle, survey, places);
}

/**
 * Brings the images of a bundle into the registry, durably, and answers what the bundle holds and what of it was new.
 * @throws AppError PATH_REFUSED, BUNDLE_INVALID, BUNDLE_INCOMPLETE, BUNDLE_UNNAMED, TAG_PROTECTED, STORAGE_FULL,
 *   CANCELLED; no tag has moved then
 */
export async function importBundle(options: ImportOptions): Promise<BundleRow> {
  const { store, path, signal, dryRun } = options;
  await using bundle = await openBundle(path, options);
  const survey = await surveyBundle(bundle, signal);
  const destinations = decideDestinations(bundle, survey, options);
  using _ = await store.leases.hold([...survey.manifests.keys(), ...survey.blobs.keys()]);
  const row = await describe(store, bundle, survey, destinations.named);
  await refuseMissing(store, bundle, survey);
  for (const { repository, tag, root } of destinations.named) {
    if (tag !== undefined) await store.manifests.checkTag(repository, tag, root.digest);
  }
  await refuseTooLarge(options, row);
  if (dryRun) return row;
  await bringBlobs(options, { bundle, survey, destinations, total: row.newBytes });
  await bringManifests(options, { bundle, survey, destinations });
  for (const { repository, tag, root } of destinations.named) {
    signal.throwIfAborted();
    if (tag !== undefined) await store.manifests.setTag(repository, tag, root.digest, options.actor);
  }
  return row;
}

async function describe(
  store: Store,
  { kind, isCompressed, since }: Bundle,
  survey: Survey,
  places: readonly (Destination | { readonly root: Root; readonly repository?: undefined })[],
): Promise<BundleRow> {
  const images: ImageRow[] = [];
  for (const place of places.slice(0, mostRows)) {
    const { root, repository } = place;
    const tag = repository === undefined ? undefined : place.tag;
    const meant = tag === undefined ? undefined : await store.tags.find(repository as RepoName, tag);
    images.push({
      ...(root.name === undefined ? {} : { name: shown(root.name) }),
      ...(repository === undefined ? {} : { repository }),
      ...(tag === undefined ? {} : { tag }),
      digest: root.digest,
      mediaType: root.mediaType,
      bytes: bytesBelow(survey, root.digest),
      isHere: meant === root.digest,
    });
  }
  const count = { blobs: 0, bytes: 0, newBlobs: 0, newBytes: 0 };
  for (const [digest, { size }] of survey.blobs) {
    count.blobs++;
    count.bytes += size;
    if ((await store.blobs.sizeOf(digest)) !== undefined) continue;
    count.newBlobs++;
    count.newBytes += size;
  }
  return { kind, isCompressed, since, images, total: places.length, ...count };
}

function bytesBelow(survey: Survey, root: Digest): number {
  const manifests = [...manifestsBelow(survey, [root])].map((digest) => survey.manifests.get(digest));
  const blobs = new Set(manifests.flatMap((each) => each?.blobs ?? []));
  const own = manifests.reduce((sum, each) => sum + (each?.size ?? 0), 0);
  return [...blobs].reduce((sum, digest) => sum + (survey.blobs.get(digest)?.size ?? 0), own);
}

async function refuseMissing(store: Store, { since }: Bundle, { blobs }: Survey): Promise<void> {
  const missing: Digest[] = [];
  for (const [digest, { entry, isOptional }] of blobs) {
    if (entry !== undefined || isOptional) continue;
    if ((await store.blobs.sizeOf(digest)) === undefined) missing.push(digest);
  }
  const [first] = missing;
  if (first === undefined) return;
  const which = missing.length === 1 ? first : `${first} and ${missing.length - 1} more`;
  const bases = since.slice(0, 3).map(shown).join(', ');
  throw new AppError('BUNDLE_INCOMPLETE', {
    message:
      since.length === 0
        ? `The bundle lacks content that its images need: ${which}.`
        : `The bundle builds on ${bases}${since.length > 3 ? ' and others' : ''}, and this registry does not have ${which}.`,
    detail: missing.slice(0, 100),
    ...(since.length === 0 ? { hint: 'Make the bundle again.' } : {}),
  });
}

async function refuseTooLarge({ freeBytes }: ImportOptions, { newBytes }: BundleRow): Promise<void> {
  const free = await freeBytes();
  if (free === undefined || free >= newBytes) return;
  throw new AppError('STORAGE_FULL', {
    message: `The bundle brings ${newBytes} bytes, and the disk of the registry has ${free} left.`,
    hint: 'Free some space: berth gc.',
  });
}

interface Work {
  readonly bundle: Bundle;
  readonly survey: Survey;
  readonly destinations: Destinations;
}

async function bringBlobs(
  options: ImportOptions,
  { bundle, survey, destinations, total }: Work & { readonly total: number },
) {
  const { store, actor, signal, checkRoom, progress } = options;
  const everywhere = { from: undefined, mayPull: () => true, mayPullAll: true, actor };
  const wanted = repositoriesOf(survey, destinations);
  const inOrder = [...survey.blobs].toSorted(
    ([, a], [, b]) => (a.entry?.offset ?? 0) - (b.entry?.offset ?? 0),
  );
  let done = 0;
  for (const [digest, { entry }] of inOrder) {
    for (const repository of wanted.get(digest) ?? []) {
      signal.throwIfAborted();
      const isHere = (await store.blobs.mount(repository, digest, everywhere)) !== undefined;
      // What is neither here nor in the bundle may be missing: see above.
      if (isHere || entry === undefined) continue;
      await checkRoom();
      await storeBlob(repository, digest, entry);
    }
  }

  async function storeBlob(repository: RepoName, digest: Digest, entry: Entry): Promise<void> {
    const { algorithm } = digestParts(digest);
    const upload = await store.uploads.start(repository, { algorithm, actor });
    const source = Readable.from(counted(bundle.read(entry, { signal })), { objectMode: false });
    try {
      await store.uploads.commit(upload, { digest, chunk: { source, range: undefined, signal }, actor });
    } catch (error) {
      await store.uploads.cancel(upload, actor).catch(() => undefined);
      if (isAppError(error, 'DIGEST_INVALID'))
        throw invalidBundle(entry.name, 'is damaged: its bytes are not those of its digest', error);
      throw error;
    } finally {
      source.destroy();
    }
  }

  async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of source) {
      done += bytes.length;
      progress(done, total);
      yield bytes;
    }
  }
}

/** The repositories that each blob goes to. */
function repositoriesOf(
  { manifests }: Survey,
  destinations: Destinations,
): ReadonlyMap<Digest, ReadonlySet<RepoName>> {
  const wanted = new Map<Digest, Set<RepoName>>();
  for (const [repository, digests] of destinations.manifests) {
    for (const blob of [...digests].flatMap((digest) => manifests.get(digest)?.blobs ?? [])) {
      const found = wanted.get(blob);
      if (found === undefined) wanted.set(blob, new Set([repository]));
      else found.add(repository);
    }
  }
  return wanted;
}

async function bringManifests(
  { store, actor, signal }: ImportOptions,
  { bundle, survey, destinations }: Work,
) {
  for (const [repository, digests] of destinations.manifests) {
    for (const digest of digests) {
      signal.throwIfAborted();
      const mediaType = survey.manifests.get(digest)?.mediaType ?? '';
      const read = await readManifest(bundle, digest, mediaType);
      if (read === undefined) throw invalidBundle(digest, 'went away while it was read');
      await store.manifests.put({
        repository,
        bytes: read.bytes,
        contentType: mediaType,
        digest,
        tags: [],
        actor,
      });
    }
  }
}
