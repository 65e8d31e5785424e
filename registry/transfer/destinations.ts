/** Where the images of a bundle go: by their own names, by new ones, or not at all. */
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { type ImageReference, parseEngineReference, parseImageReference } from '../spec/image-reference.ts';
import { parseRepoName, type RepoName, type Tag } from '../spec/names.ts';
import type { Bundle } from './bundle.ts';
import type { Root } from './images.ts';
import { invalidBundle, shown } from './invalid.ts';
import { manifestsBelow, type Survey } from './survey.ts';

/** How images are named that the bundle names otherwise, or not. */
export interface Naming {
  /** Put before each name of the bundle. */
  readonly prefix: RepoName | undefined;
  readonly renames: readonly { readonly from: string; readonly to: ImageReference }[];
}

export interface Destination {
  readonly root: Root;
  readonly repository: RepoName;
  /** Absent for an image that is known by its digest alone. */
  readonly tag: Tag | undefined;
}

/** The place of an image, `undefined` where neither the bundle nor the caller names it. */
export function placeOf(
  root: Root,
  { isOwn }: Pick<Bundle, 'isOwn'>,
  { prefix, renames }: Naming,
): Destination | undefined {
  const said = root.name === undefined ? undefined : nameIn(root.name, isOwn);
  const rename = renames.find((each) => isMeant(each.from, root, said));
  if (rename !== undefined) return { root, repository: rename.to.repository, tag: rename.to.tag };
  if (said === undefined) return undefined;
  if (said.digest !== undefined && said.digest !== root.digest) {
    throw invalidBundle(root.name ?? '', `names the image ${root.digest}`);
  }
  const repository = prefix === undefined ? said.repository : parseRepoName(`${prefix}/${said.repository}`);
  if (repository === undefined) {
    throw new AppError('NAME_INVALID', { message: `${prefix}/${said.repository} is too long for a name.` });
  }
  return { root, repository, tag: said.tag };
}

/** A name that is worth something: with a tag or digest. `1` alone may be either a repository or a tag. */
function nameIn(text: string, isOwn: boolean): ImageReference | undefined {
  const found = isOwn ? parseImageReference(text) : parseEngineReference(text);
  return found?.tag === undefined && found?.digest === undefined ? undefined : found;
}

function isMeant(from: string, root: Root, said: ImageReference | undefined): boolean {
  if (from === root.name || from === root.digest) return true;
  return said?.tag !== undefined && from === `${said.repository}:${said.tag}`;
}

/** The places of all images that have to have one; what belongs to others, such as a signature, goes with them. */
export interface Destinations {
  readonly named: readonly Destination[];
  /** The manifests that each repository gets, in the order in which they can be put. */
  readonly manifests: ReadonlyMap<RepoName, ReadonlySet<Digest>>;
}

/**
 * Decides where everything goes.
 * @throws AppError BUNDLE_UNNAMED, BUNDLE_INVALID for two images of one name, USAGE for a rename of nothing
 */
export function decideDestinations(bundle: Bundle, survey: Survey, naming: Naming): Destinations {
  const named: Destination[] = [];
  const others: Root[] = [];
  for (const root of bundle.roots) {
    const place = placeOf(root, bundle, naming);
    if (place === undefined) others.push(root);
    else named.push(place);
  }
  refuseTwins(named);
  refuseUselessRenames(bundle, naming);

  const manifests = new Map<RepoName, ReadonlySet<Digest>>();
  for (const [repository, places] of Map.groupBy(named, (place) => place.repository)) {
    manifests.set(
      repository,
      manifestsBelow(
        survey,
        places.map(({ root }) => root.digest),
      ),
    );
  }
  const left = new Set(others.map(({ digest }) => digest));
  for (let before = -1; before !== left.size;) {
    before = left.size;
    const isPart = (all: ReadonlySet<Digest>, digest: Digest): boolean => {
      const subject = survey.manifests.get(digest)?.subject;
      return all.has(digest) || (subject !== undefined && all.has(subject));
    };
    const placed = new Set<Digest>();
    for (const [repository, all] of manifests) {
      const parts = [...left].filter((digest) => isPart(all, digest));
      if (parts.length > 0) manifests.set(repository, manifestsBelow(survey, [...all, ...parts]));
      for (const digest of parts) placed.add(digest);
    }
    for (const digest of placed) left.delete(digest);
  }
  if (left.size > 0) throw unnamed(others.filter(({ digest }) => left.has(digest)));
  return { named, manifests };
}

function refuseTwins(named: readonly Destination[]): void {
  const meanings = new Map<string, Digest>();
  for (const { root, repository, tag } of named) {
    if (tag === undefined) continue;
    const name = `${repository}:${tag}`;
    const other = meanings.get(name);
    if (other !== undefined && other !== root.digest) {
      throw invalidBundle(name, `is the name of two images, ${other} and ${root.digest}`);
    }
    meanings.set(name, root.digest);
  }
}

function refuseUselessRenames({ roots, isOwn }: Bundle, { renames }: Naming): void {
  for (const { from, to } of renames) {
    const isUsed = roots.some((root) =>
      isMeant(from, root, root.name === undefined ? undefined : nameIn(root.name, isOwn)),
    );
    const message = isUsed
      ? `"${to.repository}" is no name for an image: it has no tag.`
      : `The bundle has no image "${shown(from)}".`;
    if (!isUsed || to.tag === undefined) {
      throw new AppError('USAGE', { message, hint: 'berth import --dry-run lists the images of a bundle.' });
    }
  }
}

function unnamed(roots: readonly Root[]): AppError {
  const digests = [
    ...new Set(
      roots.map(({ digest, name }) => (name === undefined ? digest : `${digest} ("${shown(name)}")`)),
    ),
  ];
  const more = digests.length > 10 ? ` and ${digests.length - 10} more` : '';
  return new AppError('BUNDLE_UNNAMED', {
    message: `The bundle does not say in which repository these images belong: ${digests.slice(0, 10).join(', ')}${more}.`,
    detail: digests.slice(0, 100),
  });
}
