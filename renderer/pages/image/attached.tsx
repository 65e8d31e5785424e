import { Paperclip, X } from 'lucide-react';
import type { ImageDetail } from '../../../registry/spec/admin/image.ts';
import { IconButton } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Empty, Failed, Skeleton } from '../../parts/states.tsx';
import { Bytes, Digest, Time } from '../../parts/values.tsx';
import { formatForeign, formatReference } from '../../format.ts';
import { hrefOf, navigate, useParam } from '../../route.ts';
import { type AttachedRow, useAttached } from './attached-rows.ts';
import { ColumnsBar } from './columns-bar.tsx';
import { ArtifactFiles } from './files.tsx';
import styles from './image.module.css';

/** Signatures, SBOMs and whatever else refers to the image, as a tree; the chosen one beside it. */
export function Attached({ detail }: { readonly detail: ImageDetail }) {
  const { repository, digest } = detail;
  const { rows, isLoading, error, reload, isExpanded, setExpanded } = useAttached(detail);
  const [chosen, choose] = useParam('of');
  const shown = rows.find((row) => row.digest === chosen);
  const open = (row: AttachedRow): void => choose(row.digest);
  if (isLoading) return <Skeleton />;
  const columns = columnsOf(repository, open);
  return (
    <div className={styles['split']}>
      <div className={styles['side']}>
        {error !== undefined && (
          <div className={styles['paneNote']}>
            <Failed error={error} onRetry={reload} />
          </div>
        )}
        {rows.length > 0 && <ColumnsBar name="attached" columns={columns} />}
        <Grid
          label="Attached"
          name="attached"
          columns={columns}
          rows={rows}
          total={rows.length}
          keyOf={({ key }) => key}
          levelOf={({ level }) => level}
          isExpanded={(row) => (row.referrerCount > 0 ? isExpanded(row.digest) : undefined)}
          onExpand={(row, isOpen) => setExpanded(row.digest, isOpen)}
          onOpen={open}
          onKey={(event, row) => {
            if (event.key !== 'o' || event.ctrlKey || event.metaKey) return false;
            navigate({ page: 'image', repository, reference: row.digest });
            return true;
          }}
          empty={
            <Empty icon={<Paperclip />} title="Nothing is attached">
              <p>
                Signatures, SBOMs and provenance that name this image appear here, by the client that makes
                them:
              </p>
              <CopyLine
                text={`oras attach --artifact-type application/spdx+json ${location.host}/${formatReference(repository, digest)} sbom.spdx.json`}
                label="Copy command"
              />
            </Empty>
          }
        />
      </div>
      {shown !== undefined && (
        <section className={styles['pane']} aria-label={`Files of ${shown.what}`}>
          <header className={styles['paneHead']}>
            <h2>{shown.what}</h2>
            <a href={hrefOf({ page: 'image', repository, reference: shown.digest })}>
              <Digest value={shown.digest} />
            </a>
            <IconButton label="Close" onPress={() => choose('')}>
              <X />
            </IconButton>
          </header>
          <ArtifactFiles key={shown.digest} repository={repository} digest={shown.digest} isStacked />
        </section>
      )}
    </div>
  );
}

const indent = 16;

function columnsOf(repository: string, open: (row: AttachedRow) => void): readonly Column<AttachedRow>[] {
  return [
    {
      id: 'what',
      title: 'What',
      canHide: false,
      width: 'minmax(130px, 2fr)',
      cell: (row, { excludeFromTabOrder }) => (
        <span className={styles['name']} style={{ paddingInlineStart: (row.level - 1) * indent }}>
          <button
            type="button"
            className={styles['fileLink']}
            tabIndex={excludeFromTabOrder ? -1 : 0}
            onClick={() => open(row)}
          >
            {row.what}
          </button>
          {row.how !== undefined && <span className={styles['muted']}>{row.how}</span>}
        </span>
      ),
    },
    {
      id: 'digest',
      title: 'Digest',
      width: '104px',
      cell: ({ digest }, { excludeFromTabOrder }) => (
        <a
          href={hrefOf({ page: 'image', repository, reference: digest })}
          tabIndex={excludeFromTabOrder ? -1 : 0}
        >
          <Digest value={digest} />
        </a>
      ),
    },
    {
      id: 'size',
      title: 'Size',
      width: '72px',
      align: 'end',
      cell: ({ bytes }) => bytes !== undefined && <Bytes value={bytes} />,
    },
    {
      id: 'type',
      title: 'Type',
      width: 'minmax(140px, 3fr)',
      fromWidth: 520,
      cell: ({ type }) => <code title={formatForeign(type)}>{formatForeign(type)}</code>,
    },
    {
      id: 'on',
      title: 'On',
      width: '110px',
      fromWidth: 780,
      cell: ({ on }) => <span className={styles['muted']}>{formatForeign(on)}</span>,
    },
    {
      id: 'pushed',
      title: 'Pushed',
      width: '120px',
      fromWidth: 640,
      cell: ({ pushedAt }) => pushedAt !== undefined && <Time at={pushedAt} />,
    },
  ];
}
