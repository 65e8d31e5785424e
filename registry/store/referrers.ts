import type { Digest } from '../spec/digest.ts';
import type { RepoName } from '../spec/names.ts';
import type { ManifestCache } from './manifest-cache.ts';

/** A descriptor of a manifest whose `subject` is another one (OCI distribution-spec, "Listing Referrers"). */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is not there is left out. */
export function describeReferrer({
  artifactType,
  annotations = {},
  mediaType,
  digest,
  size,
}: Pick<Referrer, 'mediaType' | 'digest' | 'size'> & {
  readonly artifactType: string | undefined;
  readonly annotations: Referrer['annotations'] | undefined;
}): Referrer {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

export interface Referrers {
  /**
   * The referrers of a digest in byte order of their digests, those after `after` only. With `artifactTypes` only
   * those of one of the types. Every manifest of the repository is read.
   */
  list(
    repository: RepoName,
    subject: Digest,
    options: {
      readonly artifactTypes: readonly string[];
      readonly after: string;
    },
  ): AsyncIterable<Referrer>;
  /** The digests of all referrers of any of the digests, in byte order; one pass over the repository. */
  ofAny(repository: RepoName, subjects: ReadonlySet<Digest>): AsyncIterable<Digest>;
}

export function createReferrers(cache: ManifestCache): Referrers {
  return {
    async *list(repository, subject, { artifactTypes, after }) {
      for await (const { digest, manifest, size } of cache.all(repository)) {
        const { mediaType, artifactType, annotations } = manifest;
        if (digest <= after || manifest.subject?.digest !== subject) continue;
        if (artifactTypes.length > 0 && !artifactTypes.includes(artifactType ?? '')) continue;
        yield describeReferrer({ mediaType, digest, size, artifactType, annotations });
      }
    },
    async *ofAny(repository, subjects) {
      for await (const { digest, manifest } of cache.all(repository)) {
        if (manifest.subject !== undefined && subjects.has(manifest.subject.digest)) yield digest;
      }
    },
  };
}
