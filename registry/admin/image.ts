/** One image or artifact: its parts, the files of its layers, what is attached to it. */
import type { Index } from '../derived/index-db.ts';
import type { Tickets } from '../feed/tickets.ts';
import { getBlob, readBlob, textPart } from '../image/blob-text.ts';
import { chartLayer, parseChart, readChartTexts } from '../image/chart.ts';
import { compareImages } from '../image/compare.ts';
import { fitArtifact, fitComparison, fitDetail } from '../image/fit.ts';
import { describeImage, titleAnnotation } from '../image/image-detail.ts';
import { present } from '../image/image-config.ts';
import { kindOf } from '../spec/kinds.ts';
import {
  compareWithBelow,
  countWasted,
  createLayerFiles,
  type LayerFiles,
  pageOfFiles,
} from '../image/layer-files.ts';
import { type ManifestView, viewManifest } from '../image/manifest-view.ts';
import { documentLimit, listPackages, type PackageListing, pageOfPackages } from '../image/packages.ts';
import { createKept, createPause } from '../image/rows.ts';
import type { ArtifactDetail, imageArguments } from '../spec/admin/image.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import type { ProtectedBy } from '../store/protection.ts';
import type { Store } from '../store/store.ts';
import { mustExist } from './content.ts';
import { giveTicket } from './downloads.ts';
import type { MethodsOf } from './server.ts';

export interface ImageDeps {
  readonly store: Store;
  readonly index: Index;
  readonly protectedBy: ProtectedBy;
  readonly tickets: Tickets;
}

/** A layer, and a manifest that names it. */
interface LayerOf {
  readonly repository: RepoName;
  readonly digest: Digest;
  readonly image: Digest;
}

const rawLimit = 4 * 1024 * 1024;
/** Bytes of one part of a raw text. */
const rawPart = 128 * 1024;
const configLimit = 1024 * 1024;
/** Whatever a stranger says of it, a browser is to save it. */
const bytesType = 'application/octet-stream';
const keptPackages = { listings: 8, characters: 8 * 1024 * 1024 };

export function createImageMethods(deps: ImageDeps): MethodsOf<typeof imageArguments> {
  const { store, index, tickets } = deps;
  const { blobs } = store;
  const layers = createLayerFiles(blobs);
  const packages = createKept<PackageListing>(keptPackages);

  return {
    async 'images.get'(query, { signal }) {
      await mustExist(deps, query.repository);
      return fitDetail(await describeImage(deps, query, signal));
    },
    async 'images.raw'({ repository, digest, offset }, { signal }) {
      await mustExist(deps, repository);
      const manifest = await store.manifests.find(repository, { kind: 'digest', digest });
      if (manifest !== undefined && manifest.bytes.length <= rawLimit) {
        return { mediaType: manifest.mediaType, ...textPart(manifest.bytes, offset, rawPart) };
      }
      const blob = await getBlob(blobs, repository, digest);
      const bytes = await readBlob(blobs, blob, { limit: rawLimit, signal });
      return {
        mediaType: looksLikeJson(bytes) ? 'application/json' : 'application/octet-stream',
        ...textPart(bytes, offset, rawPart),
      };
    },
    async 'images.compare'({ repository, a, b, platform }, { signal }) {
      await mustExist(deps, repository);
      const [one, other] = await Promise.all(
        [a, b].map((reference) => describeImage(deps, { repository, reference, platform }, signal)),
      );
      if (one === undefined || other === undefined) throw new Error('two images are compared');
      return fitComparison(compareImages(one, other));
    },
    async 'referrers.list'(query) {
      await mustExist(deps, query.repository);
      const { rows, ...page } = index.referrers(query);
      return {
        ...page,
        rows: rows.map((row) => ({
          ...row,
          kind: kindOf({
            artifactType: row.artifactType,
            configType: undefined,
            layerTypes: [],
            annotations: row.annotations,
          }),
        })),
      };
    },
    async 'layers.files'({ repository, digest, image, ...query }, { signal }) {
      await mustExist(deps, repository);
      const listing = await layers.list(await getBlob(blobs, repository, digest), signal);
      const { rows, ...page } = await pageOfFiles(listing, query, createPause(signal));
      const below = image === undefined ? undefined : await layersBelow(deps, { repository, digest, image });
      return {
        rows:
          below === undefined
            ? rows
            : await compareWithBelow(
                rows,
                below.map((each) => () => listBelow(deps, layers, { repository, digest: each }, signal)),
              ),
        ...page,
        files: listing.files,
        unpackedBytes: listing.unpackedBytes,
        isOpaque: listing.isOpaque,
      };
    },
    async 'layers.wasted'({ repository, digest, image }, { signal }) {
      await mustExist(deps, repository);
      const listing = await layers.list(await getBlob(blobs, repository, digest), signal);
      const below = await layersBelow(deps, { repository, digest, image });
      const lists = below.map((each) => () => listBelow(deps, layers, { repository, digest: each }, signal));
      return { wastedBytes: await countWasted(listing, lists, createPause(signal)) };
    },
    async 'layers.file'({ repository, digest, path }, { signal }) {
      await mustExist(deps, repository);
      const bytes = await layers.read(await getBlob(blobs, repository, digest), path, signal);
      return textPart(bytes, 0, bytes.length);
    },
    async 'layers.download'({ repository, digest, path }, { signal, actor }) {
      await mustExist(deps, repository);
      const file = await layers.get(await getBlob(blobs, repository, digest), path, signal);
      const open = (reading: AbortSignal) => file.read(reading);
      return giveTicket(tickets, { fileName: path, mediaType: bytesType, size: file.size, actor, open });
    },
    async 'blobs.download'({ repository, digest, image }, { actor }) {
      await mustExist(deps, repository);
      const blob = await getBlob(blobs, repository, digest);
      const plain = digest.replace(':', '-');
      const fileName = image === undefined ? plain : await nameOf(deps, { repository, digest, image });
      const open = (signal: AbortSignal) => copied(blobs.read(blob, { signal }));
      return giveTicket(tickets, { fileName, mediaType: bytesType, size: blob.size, actor, open });
    },
    async 'artifacts.get'({ repository, digest }, { signal }) {
      await mustExist(deps, repository);
      const found = await store.manifests.find(repository, { kind: 'digest', digest });
      if (found === undefined) throw unknownManifest(repository, digest);
      const view = viewManifest(found.bytes);
      return fitArtifact({
        digest,
        kind: view.kind,
        ...present({ artifactType: view.artifactType }),
        files: view.layers.slice(0, 500).map((each) => ({
          digest: each.digest,
          mediaType: each.mediaType,
          size: each.size,
          ...present({ title: each.annotations[titleAnnotation]?.slice(0, 255) }),
        })),
        ...(view.kind === 'helm' ? await readChart(deps, repository, view, signal) : { notes: [] }),
      });
    },
    async 'packages.list'({ repository, digest, ...query }, { signal }) {
      await mustExist(deps, repository);
      const blob = await getBlob(blobs, repository, digest);
      const pause = createPause(signal);
      const listing = await packages.get(digest, async () =>
        listPackages(await readBlob(blobs, blob, { limit: documentLimit, signal }), pause),
      );
      return { ...(await pageOfPackages(listing, query, pause)), format: listing.format };
    },
  };
}

function looksLikeJson(bytes: Buffer): boolean {
  return ['{', '['].includes(bytes.toString('utf8', 0, 64).trimStart().charAt(0));
}

/** The error for a digest that the repository does not have. */
export function unknownManifest(repository: RepoName, digest: string): AppError {
  return new AppError('MANIFEST_UNKNOWN', { message: `${repository} has no manifest ${digest}.` });
}

/** What a manifest calls a file of it, or the digest as a name. */
async function nameOf({ store }: ImageDeps, { repository, digest, image }: LayerOf): Promise<string> {
  const found = await store.manifests.find(repository, { kind: 'digest', digest: image });
  if (found === undefined) throw unknownManifest(repository, image);
  const layer = viewManifest(found.bytes).layers.find((each) => each.digest === digest);
  return layer?.annotations[titleAnnotation] ?? `${digest.replace(':', '-')}${endingOf(layer?.mediaType)}`;
}

/** The ending that programs know archives by: `.tar.gz` of `application/vnd.oci.image.layer.v1.tar+gzip`. */
function endingOf(mediaType = ''): string {
  const archive = /[./]tar(?:[.+](gzip|zstd))?$/.exec(mediaType);
  if (archive === null) return '';
  return archive[1] === undefined ? '.tar' : archive[1] === 'gzip' ? '.tar.gz' : '.tar.zst';
}

/** The store uses the bytes of one part for the next one, and an answer may hold several. */
async function* copied(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const part of parts) yield Buffer.from(part);
}

/** The layers below one in an image, the nearest first. */
async function layersBelow(
  { store }: ImageDeps,
  { repository, digest, image }: LayerOf,
): Promise<readonly Digest[]> {
  const found = await store.manifests.find(repository, { kind: 'digest', digest: image });
  if (found === undefined) throw unknownManifest(repository, image);
  const all = viewManifest(found.bytes).layers.map((each) => each.digest);
  const at = all.indexOf(digest);
  if (at >= 0) return all.slice(0, at).toReversed();
  throw new AppError('BLOB_UNKNOWN', {
    message: `The manifest ${image} has no layer ${digest}.`,
    hint: 'Name the manifest of one platform, not an index.',
  });
}

async function listBelow(
  { store: { blobs } }: ImageDeps,
  layers: LayerFiles,
  { repository, digest }: { readonly repository: RepoName; readonly digest: Digest },
  signal: AbortSignal,
) {
  return await layers.list(await getBlob(blobs, repository, digest), signal);
}

/** What a chart says; what cannot be read is a note. */
async function readChart(
  { store: { blobs } }: ImageDeps,
  repository: RepoName,
  { config, layers }: ManifestView,
  signal: AbortSignal,
): Promise<Pick<ArtifactDetail, 'chart' | 'chartYaml' | 'values' | 'readme' | 'notes'>> {
  const notes: string[] = [];
  const orNote = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      if (!isAppError(error) || signal.aborted) throw error;
      notes.push(error.message);
      return undefined;
    }
  };
  const chart = await orNote(async () => {
    if (config === undefined) return undefined;
    const blob = await getBlob(blobs, repository, config.digest);
    return parseChart(String(await readBlob(blobs, blob, { limit: configLimit, signal })));
  });
  if (chart === undefined) notes.push('The config does not tell what chart it is.');
  const archive = layers.find(({ mediaType }) => mediaType.startsWith(chartLayer));
  const read = await orNote(async () =>
    archive === undefined
      ? undefined
      : await readChartTexts(blobs, await getBlob(blobs, repository, archive.digest), signal),
  );
  const texts = read?.texts;
  return {
    ...present({
      chart,
      chartYaml: texts?.get('Chart.yaml'),
      values: texts?.get('values.yaml'),
      readme: texts?.get('README.md'),
    }),
    notes: [...notes, ...(read?.notes ?? [])],
  };
}
