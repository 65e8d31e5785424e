/** Answers that fit into a message of the control plane, whatever an image says of itself. */
import type { ArtifactDetail, ImageComparison, ImageDetail, LayerRow } from '../spec/admin/image.ts';

/** Of JSON, each of which may take three bytes of the message. */
const answerCharacters = 340 * 1024;
const cutNote = 'It says more than is shown here; the raw texts have all of it.';

/** Leaves parts out until the answer is small enough, those first that the raw texts show as well. */
export function fitDetail(whole: ImageDetail): ImageDetail {
  const { config: _, ...bare } = whole;
  const { manifest } = whole;
  const layers = whole.layers.map(withoutTexts);
  return firstThatFits([
    whole,
    { ...whole, dockerfile: '' },
    { ...bare, dockerfile: '', history: [], layers },
    {
      ...bare,
      dockerfile: '',
      history: [],
      layers,
      ...(manifest === undefined ? {} : { manifest: { ...manifest, annotations: {} } }),
    },
  ]);
}

export function fitComparison(whole: ImageComparison): ImageComparison {
  const { common, onlyA, onlyB } = whole;
  const bare = {
    common: common.map(withoutTexts),
    onlyA: onlyA.map(withoutTexts),
    onlyB: onlyB.map(withoutTexts),
  };
  return firstThatFits([
    whole,
    { ...whole, ...bare },
    { ...whole, ...bare, env: [], labels: [], config: [] },
    { ...whole, common: [], onlyA: [], onlyB: [], env: [], labels: [], config: [] },
  ]);
}

export function fitArtifact(whole: ArtifactDetail): ArtifactDetail {
  const { digest, kind, files, notes } = whole;
  const untitled = files.map(({ digest: file, mediaType, size }) => ({ digest: file, mediaType, size }));
  return firstThatFits([whole, { digest, kind, files, notes }, { digest, kind, files: untitled, notes }]);
}

function withoutTexts(layer: LayerRow): LayerRow {
  const { digest, mediaType, size, cumulativeBytes, sharedWith, isForeign } = layer;
  return { digest, mediaType, size, cumulativeBytes, sharedWith, isForeign };
}

function firstThatFits<T extends { readonly notes: readonly string[] }>(
  candidates: readonly [whole: T, ...smaller: readonly T[]],
): T {
  const [whole, ...smaller] = candidates;
  const fits = (each: T): boolean => JSON.stringify(each).length <= answerCharacters;
  if (fits(whole)) return whole;
  const cut = smaller.find(fits) ?? smaller.at(-1) ?? whole;
  return { ...cut, notes: [...cut.notes, cutNote] };
}
