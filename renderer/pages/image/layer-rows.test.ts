import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryStep, ImageDetail, LayerRow } from '../../../registry/spec/admin/image.ts';
import { findBaseEnd, tableOfLayers } from './layer-rows.ts';

const step = (created: string | undefined, command: string, layer?: number): HistoryStep => ({
  command,
  isEmpty: layer === undefined,
  ...(created === undefined ? {} : { created: `2026-01-01T${created}:00Z` }),
  ...(layer === undefined ? {} : { layer }),
});

const layer = (name: string, size: number, cumulativeBytes: number): LayerRow => ({
  digest: `sha256:${name}`,
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  size,
  cumulativeBytes,
  sharedWith: 0,
  isForeign: false,
});

const detail = (
  history: readonly HistoryStep[],
  layers: readonly LayerRow[],
  base?: string,
): ImageDetail => ({
  repository: 'team/api',
  digest: 'sha256:0',
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  kind: 'image',
  tags: [],
  children: [],
  history,
  dockerfile: '',
  layers,
  bytes: { manifest: 100 },
  referrers: {},
  hasSignature: false,
  hasSbom: false,
  hasProvenance: false,
  notes: [],
  ...(base === undefined
    ? {}
    : {
        manifest: {
          digest: 'sha256:0',
          mediaType: '',
          size: 1,
          annotations: { 'org.opencontainers.image.base.name': base },
        },
      }),
});

test('the base ends where a program was set, time passed, and files were added later', () => {
  const base = [step('08:00', 'ADD root /', 0), step('08:00', 'CMD ["sh"]')];
  const cases: readonly (readonly [
    name: string,
    history: readonly HistoryStep[],
    end: number | undefined,
  ])[] = [
    ['nothing', [], undefined],
    ['a base alone', base, undefined],
    ['built at once', [...base, step('08:01', 'COPY a', 1)], undefined],
    ['an hour later', [...base, step('09:00', 'COPY a', 1), step('09:00', 'CMD ["a"]')], 1],
    ['only settings later', [...base, step('09:00', 'CMD ["a"]')], undefined],
    ['a slow step of its own', [...base, step('09:00', 'ENV A=1'), step('09:40', 'RUN make', 1)], 1],
    [
      'a base of a base',
      [...base, step('09:00', 'RUN a', 1), step('09:00', 'ENTRYPOINT ["a"]'), step('10:00', 'COPY b', 2)],
      3,
    ],
    ['no times', [step(undefined, 'CMD ["sh"]'), step(undefined, 'COPY a', 0)], undefined],
  ];

  for (const [name, history, end] of cases) assert.equal(findBaseEnd(history), end, name);
});

test('steps stand with what they made, and how much that and all below it is of the whole', () => {
  const history = [step('08:00', 'ADD root /', 0), step('08:00', 'CMD ["sh"]'), step('09:00', 'COPY a', 1)];

  const rows = tableOfLayers(detail(history, [layer('a', 25, 25), layer('b', 75, 100)], 'alpine:3'));

  assert.deepEqual(
    rows.map((row) => (row.kind === 'base' ? row.name : [row.command, row.number, row.part])),
    [['ADD root /', 1, 0.25], ['CMD ["sh"]', undefined, undefined], 'alpine:3', ['COPY a', 2, 1]],
  );
});

test('a history that does not fit is left out', () => {
  const rows = tableOfLayers(detail([step('08:00', 'ADD root /')], [layer('a', 0, 0)]));

  assert.deepEqual(
    rows.map((row) => row.kind === 'step' && [row.command, row.number, row.part]),
    [[undefined, 1, undefined]],
  );
});
