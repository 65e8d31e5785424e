/** The table of layers: the steps of the build with what each of them made. */
import type { HistoryStep, ImageDetail, LayerRow } from '../../../registry/spec/admin/image.ts';

export type LayerTableRow =
  | {
      readonly kind: 'step';
      readonly key: string;
      readonly command: string | undefined;
      readonly created: string | undefined;
      /** Absent for a step that changed no file. */
      readonly layer: LayerRow | undefined;
      /** The place of the layer, from 1 on. */
      readonly number: number | undefined;
      /** Bytes of this layer and those below it, of all: 0 to 1. */
      readonly part: number | undefined;
    }
  /** What stands above it came with the image that this one was built from. */
  | { readonly kind: 'base'; readonly key: 'base'; readonly name: string | undefined };

/** The rows from the bottom layer on. A history that does not fit to the layers is left out. */
export function tableOfLayers({ history, layers, config, manifest }: ImageDetail): readonly LayerTableRow[] {
  const total = layers.at(-1)?.cumulativeBytes ?? 0;
  const rowOf = (at: number | undefined, key: string, step?: HistoryStep): LayerTableRow => {
    const layer = at === undefined ? undefined : layers[at];
    return {
      kind: 'step',
      key,
      command: step?.command ?? layer?.command ?? layer?.title,
      created: step?.created,
      layer,
      number: at === undefined ? undefined : at + 1,
      part: layer === undefined || total === 0 ? undefined : layer.cumulativeBytes / total,
    };
  };
  const known = history.filter(({ layer }) => layer !== undefined).length;
  if (known !== layers.length) return layers.map((_, at) => rowOf(at, `layer ${at}`));
  const rows = history.map((step, at) => rowOf(step.layer, `step ${at}`, step));
  const baseEnd = findBaseEnd(history);
  if (baseEnd === undefined) return rows;
  const nameOf = 'org.opencontainers.image.base.name';
  const name = manifest?.annotations[nameOf] ?? config?.labels.find((label) => label.name === nameOf)?.value;
  return [...rows.slice(0, baseEnd + 1), { kind: 'base', key: 'base', name }, ...rows.slice(baseEnd + 1)];
}

/** Steps of one build follow each other faster, but for a slow one. */
const pauseMs = 10 * 60_000;

/**
 * The last step of the image that this one was built from: there is a pause behind it, a program to run was set since the
 * pause before, and files were changed later. Images whose times were all set alike do not tell.
 */
export function findBaseEnd(history: readonly HistoryStep[]): number | undefined {
  let end: number | undefined;
  let hasProgram = false;
  for (const [at, { command, created }] of history.entries()) {
    hasProgram ||= /^(?:CMD|ENTRYPOINT)\b/.test(command);
    const next = history[at + 1];
    const pause = Date.parse(next?.created ?? '') - Date.parse(created ?? '');
    if (!(pause >= pauseMs)) continue;
    if (hasProgram && history.slice(at + 1).some(({ isEmpty }) => !isEmpty)) end = at;
    hasProgram = false;
  }
  return end;
}
