import { Layers as LayersIcon } from 'lucide-react';
import type { ImageDetail, LayerRow } from '../../../registry/spec/admin/image.ts';
import { type Share, StackedBar } from '../../parts/charts.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { RowButton } from '../../parts/row-controls.tsx';
import { Empty } from '../../parts/states.tsx';
import { Bytes, Chip, Digest } from '../../parts/values.tsx';
import { formatBytes, formatForeign, formatPlural } from '../../format.ts';
import { useParam } from '../../route.ts';
import { useShell } from '../../state/shell.ts';
import { ColumnsBar } from './columns-bar.tsx';
import { FilesPane } from './files-pane.tsx';
import { type LayerTableRow, tableOfLayers } from './layer-rows.ts';
import { useSaveBlob } from './use-save-blob.ts';
import styles from './image.module.css';

/** The layers from the bottom on, and the files of the one that is chosen. */
export function Layers({ detail }: { readonly detail: ImageDetail }) {
  const [chosen, choose] = useParam('layer');
  const { layers, manifest, repository } = detail;
  const rows = tableOfLayers(detail);
  const layer = layers[Number(chosen) - 1];
  const shell = useShell();
  const saveBlob = useSaveBlob({ repository, image: manifest?.digest });
  const save = (row: LayerTableRow, asks = false): void => {
    const blob = layerOf(row);
    if (blob !== undefined) saveBlob(blob.digest, asks);
  };
  const open = (row: LayerTableRow): void => {
    if (row.kind === 'step' && row.number !== undefined) choose(String(row.number));
  };
  const columns = columnsOf({ open, save, chosen });
  return (
    <div className={styles['split']}>
      <div className={styles['side']}>
        {layers.length > 0 && (
          <ColumnsBar name="layers" columns={columns}>
            <div className={styles['sizes']}>
              <StackedBar label="Sizes of the layers" shares={sharesOf(layers)} />
            </div>
          </ColumnsBar>
        )}
        <Grid
          label="Layers"
          name="layers"
          columns={columns}
          rows={rows}
          total={rows.length}
          keyOf={({ key }) => key}
          onOpen={open}
          {...(shell !== undefined && {
            menuOf: (row: LayerTableRow) => [{ id: 'as', label: 'Save as…', act: () => save(row, true) }],
            hasMenuRow: (row: LayerTableRow) => layerOf(row) !== undefined,
          })}
          wide={(row) =>
            row.kind === 'base' ? (
              <span className={styles['base']}>
                Above: the base image
                {row.name !== undefined && (
                  <>
                    {' '}
                    <code>{formatForeign(row.name)}</code>
                  </>
                )}
                , as the times of the steps tell. Below: what was built on it.
              </span>
            ) : undefined
          }
          empty={
            <Empty icon={<LayersIcon />} title="No layers">
              <p>
                {manifest === undefined
                  ? 'The manifest of this platform is not here: choose another platform, or push the image again.'
                  : 'The manifest lists none: the image has no files.'}
              </p>
            </Empty>
          }
        />
      </div>
      {layer !== undefined && manifest !== undefined && (
        <FilesPane
          key={`${manifest.digest} ${chosen}`}
          repository={repository}
          image={manifest.digest}
          layer={layer}
          number={Number(chosen)}
          onClose={() => choose('')}
        />
      )}
    </div>
  );
}

const namedShares = 5;

/** The largest by their numbers, the others together. */
function sharesOf(layers: readonly LayerRow[]): readonly Share[] {
  const numbered = layers.map(({ size }, at) => ({
    label: `#${at + 1}`,
    value: size,
    text: formatBytes(size),
  }));
  if (layers.length <= namedShares + 1) return numbered;
  const bySize = numbered.toSorted((one, other) => other.value - one.value);
  const named = new Set(bySize.slice(0, namedShares));
  const rest = bySize.slice(namedShares).reduce((sum, { value }) => sum + value, 0);
  return [
    ...numbered.filter((share) => named.has(share)),
    {
      label: `${layers.length - namedShares} smaller ones`,
      value: rest,
      text: formatBytes(rest),
      isFree: true,
    },
  ];
}

function layerOf(row: LayerTableRow): LayerRow | undefined {
  return row.kind === 'step' ? row.layer : undefined;
}

function columnsOf({
  open,
  save,
  chosen,
}: {
  readonly open: (row: LayerTableRow) => void;
  readonly save: (row: LayerTableRow) => void;
  readonly chosen: string;
}): readonly Column<LayerTableRow>[] {
  return [
    {
      id: 'number',
      title: '#',
      width: '28px',
      align: 'end',
      canHide: false,
      cell: (row) => row.kind === 'step' && row.number,
    },
    {
      id: 'command',
      title: 'Command',
      width: 'minmax(150px, 4fr)',
      canHide: false,
      cell: (row) => {
        if (row.kind !== 'step') return undefined;
        const { command, layer } = row;
        const text = formatForeign(command ?? 'not told');
        return (
          <code className={layer === undefined ? styles['dim'] : undefined} title={text.slice(0, 2000)}>
            {text}
          </code>
        );
      },
    },
    {
      id: 'size',
      title: 'Size',
      width: '70px',
      align: 'end',
      cell: (row) =>
        layerOf(row) === undefined ? (
          <span className={styles['dim']}>no files</span>
        ) : (
          <Bytes value={layerOf(row)?.size} />
        ),
    },
    {
      id: 'part',
      title: 'Up to here',
      width: '72px',
      align: 'end',
      fromWidth: 656,
      cell: (row) =>
        row.kind === 'step' &&
        row.layer !== undefined &&
        row.part !== undefined && (
          <span title={`${formatBytes(row.layer.cumulativeBytes)} of this layer and those below it`}>
            {Math.round(row.part * 100)} %
          </span>
        ),
    },
    {
      id: 'shared',
      title: 'Shared with',
      width: '96px',
      fromWidth: 580,
      cell: (row) => {
        const shared = layerOf(row)?.sharedWith ?? 0;
        if (layerOf(row)?.isForeign === true)
          return <Chip title="Its bytes need not be in this registry">foreign</Chip>;
        return (
          shared > 0 && <span>{shared >= 100 ? '100 images or more' : formatPlural(shared, 'image')}</span>
        );
      },
    },
    {
      id: 'digest',
      title: 'Digest',
      width: '104px',
      fromWidth: 780,
      cell: (row) => {
        const layer = layerOf(row);
        return layer !== undefined && <Digest value={layer.digest} />;
      },
    },
    {
      id: 'files',
      title: 'Files',
      width: '36px',
      canHide: false,
      cell: (row, { excludeFromTabOrder }) =>
        row.kind === 'step' &&
        row.number !== undefined && (
          <span className={`${styles['slot']} ${String(row.number) === chosen ? styles['chosen'] : ''}`}>
            <RowButton
              label={`Files of layer ${row.number}`}
              excludeFromTabOrder={excludeFromTabOrder}
              icon="files"
              onPress={() => open(row)}
            />
          </span>
        ),
    },
    {
      id: 'download',
      title: 'Save',
      width: '40px',
      canHide: false,
      // Beside the files of a layer there is no room.
      fromWidth: 460,
      cell: (row, { excludeFromTabOrder }) =>
        row.kind === 'step' &&
        row.number !== undefined && (
          <RowButton
            label={`Download layer ${row.number}`}
            excludeFromTabOrder={excludeFromTabOrder}
            icon="save"
            onPress={() => save(row)}
          />
        ),
    },
  ];
}
