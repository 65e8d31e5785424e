import { File, Folder, Link2, X } from 'lucide-react';
import { useState } from 'react';
import type { FileRow, LayerRow } from '../../../registry/spec/admin/image.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { type CellState, type Column, Grid } from '../../parts/grid.tsx';
import { Twist } from '../../parts/row-controls.tsx';
import { Empty, Failed, Skeleton } from '../../parts/states.tsx';
import { Bytes, type Tone, Chip } from '../../parts/values.tsx';
import { formatAbsolute, formatBytes, formatForeign, formatPlural } from '../../format.ts';
import { problemOf } from '../../messages.ts';
import { useCall, useRows } from '../../state/calls.ts';
import { FileDialog } from './file-dialog.tsx';
import { type FileTree, type TreeRow, useFileTree } from './file-tree.ts';
import styles from './image.module.css';

export interface FilesPaneProps {
  readonly repository: string;
  /** The manifest that has the layer: what it changes is told against the layers below. */
  readonly image: string;
  readonly layer: LayerRow;
  readonly number: number;
  readonly onClose: () => void;
}

/** What a layer adds, changes and takes away: as a tree, or what holds a text in its path. */
export function FilesPane({ repository, image, layer, number, onClose }: FilesPaneProps) {
  const { digest } = layer;
  const [q, setQ] = useState('');
  const tree = useFileTree({ repository, digest, image });
  const found = useRows('layers.files', { repository, digest, image, q }, { isWanted: q !== '' });
  const view = (file: FileRow): void =>
    void openDialog((close) => (
      <FileDialog repository={repository} digest={digest} file={file} onClose={close} />
    ));
  const isSearch = q !== '';
  const rows: readonly TreeRow[] = isSearch
    ? found.rows.map((file) => ({ kind: 'file', key: file.path, level: 1, file }))
    : tree.rows;
  const act = (row: TreeRow): void => {
    if (row.kind === 'rest') return row.directory.isLoading ? undefined : tree.load(row.path);
    if (row.file.type === 'directory' && !isSearch) tree.setOpen(row.file.path, !tree.isOpen(row.file.path));
    else if (canView(row.file)) view(row.file);
  };
  const topError = isSearch ? found.error : tree.top?.rows.length === 0 ? tree.top.error : undefined;
  const isLoading = isSearch
    ? found.isLoading
    : tree.top === undefined || (tree.top.isLoading && rows.length <= 1);
  const { data: { wastedBytes = 0 } = {} } = useCall('layers.wasted', { repository, digest, image });
  useShortcuts([{ keys: ['escape'], label: 'Close the files', group: 'Image', run: onClose }]);
  const columns = columnsOf(tree, act, isSearch);
  return (
    <section className={styles['pane']} aria-label={`Files of layer ${number}`}>
      <header className={styles['paneHead']}>
        <h2>Layer {number}</h2>
        <span className={styles['muted']}>
          {tree.layer !== undefined &&
            `${formatPlural(tree.layer.files, 'file')}, ${formatBytes(tree.layer.unpackedBytes)} unpacked`}
          {wastedBytes > 0 && (
            <span title="Bytes of the layers below that this one replaces, removes or hides">
              {`; ${formatBytes(wastedBytes)} wasted`}
            </span>
          )}
        </span>
        <IconButton label="Close files" onPress={onClose}>
          <X />
        </IconButton>
      </header>
      <div className={styles['paneBar']}>
        <SearchInput label="Filter by path" value={q} onChange={setQ} isMain />
        <span className={styles['columns']}>
          <ColumnsMenu name="files" columns={columns} />
        </span>
      </div>
      {tree.layer?.isOpaque === true && (
        <p className={styles['paneNote']}>This layer hides everything that the layers below have.</p>
      )}
      {topError !== undefined && topError !== null ? (
        <div className={styles['paneNote']}>
          <Failed error={topError} onRetry={isSearch ? found.reload : () => tree.load('')} />
        </div>
      ) : isLoading ? (
        <Skeleton />
      ) : (
        <Grid
          label="Files"
          name="files"
          columns={columns}
          rows={rows}
          total={isSearch ? found.total : rows.length}
          keyOf={({ key }) => key}
          {...(isSearch ? { need: found.need } : treeProps(tree))}
          onOpen={act}
          isStale={isSearch && found.isStale}
          wide={(row, state) =>
            row.kind === 'rest' ? <Rest row={row} state={state} onPress={() => act(row)} /> : undefined
          }
          empty={
            <Empty icon={<Folder />} title={isSearch ? `No path has ${q} in it` : 'No files'}>
              <p>{isSearch ? 'Clear the filter to see the tree.' : 'This layer changes no file.'}</p>
            </Empty>
          }
        />
      )}
    </section>
  );
}

function treeProps(tree: FileTree) {
  return {
    levelOf: (row: TreeRow): number => row.level,
    isExpanded: (row: TreeRow): boolean | undefined =>
      row.kind === 'file' && row.file.type === 'directory' ? tree.isOpen(row.file.path) : undefined,
    onExpand: (row: TreeRow, isOpen: boolean): void => {
      if (row.kind === 'file') tree.setOpen(row.file.path, isOpen);
    },
  };
}

function canView({ type, change }: FileRow): boolean {
  return change !== 'removed' && (type === 'file' || type === 'hardlink');
}

function Rest({
  row: { directory, level },
  state,
  onPress,
}: {
  readonly row: Extract<TreeRow, { readonly kind: 'rest' }>;
  readonly state: CellState;
  readonly onPress: () => void;
}) {
  const { isLoading, error, rows, total } = directory;
  return (
    <span style={{ paddingInlineStart: (level - 1) * indent + 20 }} className={styles['rest']}>
      {error !== undefined && <span>{problemOf(error).title}</span>}
      {isLoading ? (
        <span className={styles['muted']}>Reading…</span>
      ) : (
        <Button look="quiet" excludeFromTabOrder={state.excludeFromTabOrder} onPress={onPress}>
          {error === undefined
            ? `Show more of ${formatPlural(total - rows.length, 'entry', 'entries')}`
            : 'Try again'}
        </Button>
      )}
    </span>
  );
}

const indent = 16;
const changes = {
  added: ['added', 'ok'],
  modified: ['modified', 'warn'],
  removed: ['removed', 'err'],
} as const satisfies Readonly<Record<NonNullable<FileRow['change']>, readonly [string, Tone]>>;

function columnsOf(tree: FileTree, act: (row: TreeRow) => void, isFlat: boolean): readonly Column<TreeRow>[] {
  const fileOf = (row: TreeRow): FileRow | undefined => (row.kind === 'file' ? row.file : undefined);
  return [
    {
      id: 'name',
      title: isFlat ? 'Path' : 'Name',
      width: 'minmax(140px, 3fr)',
      canHide: false,
      cell: (row, { excludeFromTabOrder }) => {
        if (row.kind !== 'file') return undefined;
        const { file, level } = row;
        const name = formatForeign(isFlat ? file.path : file.path.slice(file.path.lastIndexOf('/') + 1));
        const isDirectory = file.type === 'directory';
        return (
          <span
            className={`${styles['name']} ${file.change === 'removed' ? styles['removed'] : ''}`}
            style={{ paddingInlineStart: (level - 1) * indent }}
            title={formatForeign(file.path)}
          >
            {!isFlat && (
              <Twist
                isExpanded={isDirectory ? tree.isOpen(file.path) : undefined}
                name={name}
                onToggle={() => act(row)}
              />
            )}
            <FileIcon type={file.type} />
            {canView(file) ? (
              <button
                type="button"
                className={styles['fileLink']}
                tabIndex={excludeFromTabOrder ? -1 : 0}
                onClick={() => act(row)}
              >
                {name}
              </button>
            ) : (
              <code>{name}</code>
            )}
            {file.link !== undefined && <code className={styles['muted']}>→ {formatForeign(file.link)}</code>}
            {file.isOpaque && <Chip title="What the layers below have in it is hidden">replaces all</Chip>}
          </span>
        );
      },
    },
    {
      id: 'change',
      title: 'Change',
      width: '80px',
      cell: (row) => {
        const change = fileOf(row)?.change;
        if (change === undefined) return undefined;
        const [word, tone] = changes[change];
        return <Chip tone={tone}>{word}</Chip>;
      },
    },
    {
      id: 'size',
      title: 'Size',
      width: '66px',
      align: 'end',
      cell: (row) => {
        const file = fileOf(row);
        return file?.type === 'file' && <Bytes value={file.size} />;
      },
    },
    {
      id: 'wasted',
      title: 'Wasted',
      width: '66px',
      align: 'end',
      fromWidth: 440,
      cell: (row) => {
        const wasted = fileOf(row)?.wastedBytes;
        return (
          wasted !== undefined && (
            <span title="Bytes of the layers below that are kept and cannot be seen any more">
              {formatBytes(wasted)}
            </span>
          )
        );
      },
    },
    {
      id: 'mode',
      title: 'Mode',
      width: '48px',
      fromWidth: 520,
      cell: (row) => {
        const mode = fileOf(row)?.mode;
        return mode !== undefined && <code>{mode.toString(8).padStart(4, '0')}</code>;
      },
    },
    {
      id: 'owner',
      title: 'Owner',
      width: '72px',
      fromWidth: 600,
      cell: (row) => {
        const file = fileOf(row);
        return file?.uid !== undefined && <code>{`${file.uid}:${file.gid ?? ''}`}</code>;
      },
    },
    {
      id: 'modified',
      title: 'Modified',
      width: '130px',
      fromWidth: 760,
      cell: (row) => {
        const at = fileOf(row)?.modifiedAt;
        return at !== undefined && <span>{formatAbsolute(at)}</span>;
      },
    },
  ];
}

function FileIcon({ type }: Pick<FileRow, 'type'>) {
  if (type === 'directory') return <Folder aria-label="directory" />;
  if (type === 'symlink' || type === 'hardlink') return <Link2 aria-label={type} />;
  return <File aria-label={type} />;
}
