/** What lists are filtered by, as texts that a tag has: `arch:arm64`, `kind:helm`, `by:dev`, `is:unsigned`. */
import { type ArtifactKind, type AttachmentKind, attachmentKinds, subjectOfTag } from '../spec/kinds.ts';

/** What is known of a tag and the manifest that it means. */
export interface TagTraits {
  readonly tag: string;
  readonly pushedBy: string | null;
  readonly kind: ArtifactKind;
  readonly platforms: readonly string[];
  readonly attached: number;
}

/** Platforms of one tag that can be found: an index may list any number, and each costs two rows. */
const mostPlatforms = 50;

/** The facets of a tag, each once, sorted. */
export function facetsOf({ tag, pushedBy, kind, platforms, attached }: TagTraits): readonly string[] {
  const isFallback = subjectOfTag(tag) !== undefined;
  const real = platforms.filter((each) => !isAttestation(each));
  const facets = [
    ...platforms.slice(0, mostPlatforms).flatMap(platformFacets),
    `kind:${kind}`,
    ...(pushedBy === null ? [] : [`by:${pushedBy}`]),
    ...(real.length > 1 ? ['is:multiplatform'] : []),
    ...(isFallback ? ['is:fallback'] : [isAttached('signature', attached) ? 'is:signed' : 'is:unsigned']),
  ];
  return [...new Set(facets)].toSorted();
}

/** BuildKit lists what it says about an image as a child of this platform. */
function isAttestation(platform: string): boolean {
  return platform === 'unknown/unknown';
}

function platformFacets(platform: string): readonly string[] {
  const [os = '', arch, variant] = platform.toLowerCase().split('/');
  return [
    `os:${os}`,
    ...(arch === undefined ? [] : [`arch:${arch}`]),
    ...(variant === undefined ? [] : [`arch:${arch}/${variant}`]),
  ];
}

/** Kinds of attachments as one number, a bit each, so that SQLite can put several together. */
export function attachmentBits(kinds: readonly AttachmentKind[]): number {
  return kinds.reduce((bits, kind) => bits | bitOf(kind), 0);
}

export function isAttached(kind: AttachmentKind, bits: number): boolean {
  return (bits & bitOf(kind)) !== 0;
}

function bitOf(kind: AttachmentKind): number {
  return 1 << attachmentKinds.indexOf(kind);
}
