/** What is attached to an image, in each of the three ways: a subject, a tag of cosign, a neighbour in the index. */
import { useState } from 'react';
import type { ImageDetail, ReferrerRow } from '../../../registry/spec/admin/image.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import type { ArtifactKind } from '../../../registry/spec/kinds.ts';
import { useCalls } from '../../state/calls.ts';

export interface AttachedRow {
  readonly key: string;
  readonly level: number;
  readonly digest: string;
  readonly what: string;
  /** How it is attached, unless it names its subject. */
  readonly how?: string;
  readonly type: string;
  /** What it is attached to. */
  readonly on: string;
  readonly bytes?: number;
  readonly pushedAt?: string;
  readonly referrerCount: number;
}

export interface AttachedRows {
  readonly rows: readonly AttachedRow[];
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly reload: () => void;
  readonly isExpanded: (digest: string) => boolean;
  readonly setExpanded: (digest: string, isExpanded: boolean) => void;
}

const words: Readonly<Record<ArtifactKind, string>> = {
  signature: 'Signature',
  sbom: 'SBOM',
  provenance: 'Provenance',
  image: 'Image',
  helm: 'Helm chart',
  wasm: 'Wasm module',
  model: 'Model',
  other: 'Other',
};
const cosignTags = [
  ['sig', 'hasSignature'],
  ['att', 'hasProvenance'],
  ['sbom', 'hasSbom'],
] as const;
const limit = 200;

export function useAttached(detail: ImageDetail): AttachedRows {
  const { repository, digest, manifest, children } = detail;
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const tops = [...new Set([digest, manifest?.digest ?? digest])];
  const parents = [...tops, ...[...expanded].filter((each) => !tops.includes(each))];
  const lists = useCalls(
    'referrers.list',
    parents.map((parent) => ({ repository, digest: parent, limit })),
  );
  const tags = tops.flatMap((top) =>
    cosignTags
      .filter(([, flag]) => detail[flag] && top.startsWith('sha256:'))
      .map(([end]) => `${top.replace(':', '-')}.${end}`),
  );
  const tagged = useCalls(
    'images.get',
    tags.map((reference) => ({ repository, reference })),
  );
  const referrers = new Map(parents.map((parent, at) => [parent, lists[at]?.data?.rows ?? []]));
  // Most of these tags are not there.
  const failed = [...lists, ...tagged].find(
    ({ error }) => error !== null && !isAppError(error, 'MANIFEST_UNKNOWN'),
  );
  return {
    rows: [
      ...tops.flatMap((top) => rowsOf(referrers, expanded, top, nameOf(detail, top))),
      ...children.filter(({ isAttestation }) => isAttestation).map(attestationRow),
      ...tagged.flatMap(({ data }, at) => (data === undefined ? [] : [taggedRow(data, tags[at] ?? '')])),
    ],
    isLoading: lists.slice(0, tops.length).some(({ isPending }) => isPending),
    error: failed?.error ?? undefined,
    reload() {
      for (const answer of [...lists, ...tagged]) void answer.refetch();
    },
    isExpanded: (each) => expanded.has(each),
    setExpanded(each, isExpanded) {
      const next = new Set(expanded);
      if (isExpanded) next.add(each);
      else next.delete(each);
      setExpanded(next);
    },
  };
}

function nameOf({ digest, manifest }: ImageDetail, top: string): string {
  if (manifest?.digest === digest || manifest === undefined) return 'this';
  return top === digest ? 'all platforms' : (manifest.platform ?? 'the platform');
}

/** A referrer can refer to what refers to it, so the way down is kept. */
function rowsOf(
  referrers: ReadonlyMap<string, readonly ReferrerRow[]>,
  expanded: ReadonlySet<string>,
  parent: string,
  on: string,
  above: readonly string[] = [],
): readonly AttachedRow[] {
  return (referrers.get(parent) ?? []).flatMap((row) => {
    const way = [...above, parent];
    const what = words[row.kind];
    const own: AttachedRow = {
      key: [...way, row.digest].join(' '),
      level: way.length,
      digest: row.digest,
      what,
      type: row.artifactType ?? row.mediaType,
      on,
      bytes: row.totalBytes,
      pushedAt: row.pushedAt,
      referrerCount: way.includes(row.digest) ? 0 : row.referrerCount,
    };
    const isOpen = expanded.has(row.digest) && own.referrerCount > 0;
    return [own, ...(isOpen ? rowsOf(referrers, expanded, row.digest, `the ${what}`, way) : [])];
  });
}

function attestationRow({ digest, mediaType }: ImageDetail['children'][number]): AttachedRow {
  return {
    key: `index ${digest}`,
    level: 1,
    digest,
    what: 'Attestation',
    how: 'in the index',
    type: mediaType,
    on: 'a platform',
    referrerCount: 0,
  };
}

function taggedRow({ digest, kind, manifest, mediaType, bytes }: ImageDetail, tag: string): AttachedRow {
  return {
    key: `tag ${tag}`,
    level: 1,
    digest,
    what: kind === 'other' ? 'Attached' : words[kind],
    how: 'by its tag',
    type: manifest?.artifactType ?? manifest?.configMediaType ?? mediaType,
    on: 'this',
    bytes: bytes.total ?? bytes.manifest,
    referrerCount: 0,
  };
}
