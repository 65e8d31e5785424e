import { File } from 'lucide-react';
import type { ArtifactDetail, ImageDetail } from '../../../registry/spec/admin/image.ts';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Bytes, Digest } from '../../parts/values.tsx';
import { formatForeign } from '../../format.ts';
import { useParam } from '../../route.ts';
import { RowButton } from '../../parts/row-controls.tsx';
import { useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { BlobView } from './blob-view.tsx';
import { ColumnsBar } from './columns-bar.tsx';
import { Notes } from './notes.tsx';
import { useSaveBlob } from './use-save-blob.ts';
import styles from './image.module.css';

type ArtifactFile = ArtifactDetail['files'][number] & { readonly number: number };

/** The files of an artifact; their names are what somebody gave them, never a path. */
export function Files({ detail }: { readonly detail: ImageDetail }) {
  const digest = detail.manifest?.digest ?? detail.digest;
  return <ArtifactFiles repository={detail.repository} digest={digest} />;
}

/** The files of the artifact with that manifest, and the chosen one beside them. */
export function ArtifactFiles({
  repository,
  digest,
  isStacked = false,
}: {
  readonly repository: string;
  readonly digest: string;
  /** The chosen file is below the list: within a pane. The first is shown then. */
  readonly isStacked?: boolean;
}) {
  const answer = useCall('artifacts.get', { repository, digest }, { keepsFormer: false });
  const [chosen, choose] = useParam('file');
  const shell = useShell();
  const save = useSaveBlob({ repository, image: digest });
  const columns = columnsOf(
    (file) => choose(String(file.number)),
    (file) => save(file.digest),
  );
  return (
    <Loaded answer={answer}>
      {({ files, notes }) => {
        const rows = files.map((file, at) => ({ ...file, number: at + 1 }));
        const shown =
          rows.find(({ number }) => String(number) === chosen) ?? (isStacked ? rows[0] : undefined);
        return (
          <div className={isStacked ? styles['stack'] : styles['split']}>
            <div className={styles['side']}>
              <Notes notes={notes} />
              {!isStacked && <ColumnsBar name="artifact" columns={columns} />}
              <Grid
                label="Files"
                name="artifact"
                columns={columns}
                rows={rows}
                total={rows.length}
                keyOf={({ number }) => String(number)}
                onOpen={({ number }) => choose(String(number))}
                {...(shell !== undefined && {
                  menuOf: (file: ArtifactFile) => [
                    { id: 'as', label: 'Save as…', act: () => save(file.digest, true) },
                  ],
                })}
                isInline={isStacked}
                empty={
                  <Empty icon={<File />} title="No files">
                    <p>The manifest lists none. Raw shows what it says.</p>
                  </Empty>
                }
              />
            </div>
            {shown !== undefined && (
              <section className={styles['pane']} aria-label={`File ${shown.number}`}>
                <BlobView
                  key={shown.digest}
                  repository={repository}
                  digest={shown.digest}
                  mediaType={shown.mediaType}
                  label={`File ${shown.number}`}
                />
              </section>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function columnsOf(
  open: (file: ArtifactFile) => void,
  save: (file: ArtifactFile) => void,
): readonly Column<ArtifactFile>[] {
  return [
    { id: 'number', title: '#', width: '28px', align: 'end', canHide: false, cell: ({ number }) => number },
    {
      id: 'title',
      title: 'Title',
      canHide: false,
      width: 'minmax(140px, 3fr)',
      cell: (file, { excludeFromTabOrder }) => (
        <button type="button" tabIndex={excludeFromTabOrder ? -1 : 0} onClick={() => open(file)}>
          {file.title === undefined ? 'without a title' : formatForeign(file.title)}
        </button>
      ),
    },
    { id: 'size', title: 'Size', width: '72px', align: 'end', cell: ({ size }) => <Bytes value={size} /> },
    {
      id: 'type',
      title: 'Type',
      width: 'minmax(140px, 3fr)',
      fromWidth: 460,
      cell: ({ mediaType }) => <code title={formatForeign(mediaType)}>{formatForeign(mediaType)}</code>,
    },
    {
      id: 'digest',
      title: 'Digest',
      width: '104px',
      fromWidth: 560,
      cell: ({ digest }) => <Digest value={digest} />,
    },
    {
      id: 'download',
      title: 'Save',
      canHide: false,
      width: '40px',
      cell: (file, { excludeFromTabOrder }) => (
        <RowButton
          label={`Download file ${file.number}`}
          excludeFromTabOrder={excludeFromTabOrder}
          icon="save"
          onPress={() => save(file)}
        />
      ),
    },
  ];
}
