/** How two images differ: layers, sizes, and what the configs say. */
import type { Difference, ImageComparison, ImageConfig, ImageDetail } from '../spec/admin/image.ts';
import { isSecretName, present } from './image-config.ts';

/** Compares two descriptions that have not been cut. */
export function compareImages(a: ImageDetail, b: ImageDetail): ImageComparison {
  const inA = new Set(a.layers.map(({ digest }) => digest));
  const inB = new Set(b.layers.map(({ digest }) => digest));
  return {
    a: about(a),
    b: about(b),
    common: a.layers.filter(({ digest }) => inB.has(digest)),
    onlyA: a.layers.filter(({ digest }) => !inB.has(digest)),
    onlyB: b.layers.filter(({ digest }) => !inA.has(digest)),
    grownBytes: b.bytes.manifest - a.bytes.manifest,
    env: differences(envOf(a.config), envOf(b.config)),
    labels: differences(labelsOf(a.config), labelsOf(b.config)),
    config: differences(singlesOf(a.config), singlesOf(b.config)),
    notes: [...new Set([...a.notes, ...b.notes])],
  };
}

function about({ digest, manifest, bytes }: ImageDetail): ImageComparison['a'] {
  return {
    digest: manifest?.digest ?? digest,
    ...present({ platform: manifest?.platform }),
    bytes: bytes.manifest,
  };
}

function envOf(config: ImageConfig | undefined): ReadonlyMap<string, string> {
  return new Map(config?.env.map(({ name, value }) => [name, value]));
}

function labelsOf(config: ImageConfig | undefined): ReadonlyMap<string, string> {
  return new Map(config?.labels.map(({ name, value }) => [name, value]));
}

/** Everything but env and labels, lists as JSON: to tell `["a b"]` from `["a", "b"]`. */
function singlesOf(config: ImageConfig | undefined): ReadonlyMap<string, string> {
  if (config === undefined) return new Map();
  const { env: _, labels: __, ...singles } = config;
  return new Map(
    Object.entries(singles)
      .filter(([, value]) => !Array.isArray(value) || value.length > 0)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly Difference[] {
  const names = [...new Set([...a.keys(), ...b.keys()])].toSorted();
  return names
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => ({
      name,
      ...present({ a: a.get(name), b: b.get(name) }),
      isSecretLooking: isSecretName(name),
    }));
}
