import { Upload } from 'lucide-react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Panel } from '../../parts/screen.tsx';
import { type Answer, Empty, Loaded } from '../../parts/states.tsx';
import { Bytes, Chip, Time } from '../../parts/values.tsx';
import { hrefOf, navigate } from '../../route.ts';
import { PlaceLink } from '../activity/place-link.tsx';
import styles from './home.module.css';

const columns: readonly Column<TagRow>[] = [
  {
    id: 'image',
    title: 'Image',
    width: 'minmax(160px, 3fr)',
    cell: ({ repository, tag }, state) => <PlaceLink of={{ repository, tag }} {...state} />,
  },
  {
    id: 'size',
    title: 'Size',
    width: '72px',
    align: 'end',
    cell: ({ totalBytes }) => <Bytes value={totalBytes} />,
  },
  {
    id: 'platforms',
    title: 'Platforms',
    width: '210px',
    fromWidth: 600,
    cell: ({ platforms, kind }) => <Platforms platforms={platforms} kind={kind} />,
  },
  {
    id: 'by',
    title: 'By',
    width: 'minmax(60px, 0.8fr)',
    cell: ({ pushedBy }) => <span title={pushedBy}>{pushedBy}</span>,
  },
  { id: 'when', title: 'When', width: '112px', cell: ({ pushedAt }) => <Time at={pushedAt} /> },
];
const shownPlatforms = 2;

function Platforms({ platforms, kind }: Pick<TagRow, 'platforms' | 'kind'>) {
  if (platforms.length === 0) return <Chip>{kind}</Chip>;
  const more = platforms.length - shownPlatforms;
  return (
    <span className={styles['platforms']} title={platforms.join(', ')}>
      {platforms.slice(0, shownPlatforms).map((platform) => (
        <Chip key={platform}>{platform}</Chip>
      ))}
      {more > 0 && <Chip>+{more}</Chip>}
    </span>
  );
}

/** The tags that were pushed last, in all repositories. */
export function RecentPushes({ answer }: { readonly answer: Answer<readonly TagRow[]> }) {
  return (
    <Panel title="Recent pushes" actions={<a href={hrefOf({ page: 'activity' })}>Activity</a>}>
      <Loaded answer={answer}>
        {(rows) => (
          <Grid
            label="Recent pushes"
            isInline
            columns={columns}
            rows={rows}
            total={rows.length}
            keyOf={({ repository, tag }) => `${repository}:${tag}`}
            onOpen={({ repository, tag }) => navigate({ page: 'image', repository, reference: tag })}
            empty={<Empty icon={<Upload />} title="Nothing was pushed yet" />}
          />
        )}
      </Loaded>
    </Panel>
  );
}
