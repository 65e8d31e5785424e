import { Boxes } from 'lucide-react';
import { useCallback } from 'react';
import type { RepositoryRow } from '../../../registry/spec/admin/content.ts';
import { formatCount, formatPlural } from '../../format.ts';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Bar, Screen } from '../../parts/screen.tsx';
import { Empty, Failed, Skeleton } from '../../parts/states.tsx';
import { Bytes, Chip, Time } from '../../parts/values.tsx';
import { hrefOf, navigate, useParam } from '../../route.ts';
import { useRows } from '../../state/calls.ts';

const columns: readonly Column<RepositoryRow>[] = [
  {
    id: 'name',
    title: 'Name',
    width: 'minmax(220px, 3fr)',
    sort: 'name',
    canHide: false,
    cell: ({ name }, { excludeFromTabOrder }) => (
      <a href={hrefOf({ page: 'repository', repository: name })} tabIndex={excludeFromTabOrder ? -1 : 0}>
        {name}
      </a>
    ),
  },
  { id: 'kind', title: 'Kind', width: '90px', cell: ({ kind }) => kind !== undefined && <Chip>{kind}</Chip> },
  {
    id: 'tags',
    title: 'Tags',
    width: '70px',
    align: 'end',
    sort: 'tags',
    cell: ({ tagCount }) => formatCount(tagCount),
  },
  {
    id: 'size',
    title: 'Size',
    width: '90px',
    align: 'end',
    sort: 'size',
    cell: ({ exclusiveBytes }) => <Bytes value={exclusiveBytes} />,
  },
  {
    id: 'pushed',
    title: 'Pushed',
    width: '130px',
    sort: 'pushed',
    cell: ({ pushedAt }) => <Time at={pushedAt} />,
  },
];

export function RepositoriesScreen() {
  const [q, setQ] = useParam('q');
  const [sort, setSort] = useParam('sort', 'pushed');
  const [order, setOrder] = useParam('order', 'desc');
  const list = useRows('repositories.list', {
    ...(q === '' ? {} : { q }),
    sort: sort as 'pushed',
    descending: order === 'desc',
  });
  const onSort = useCallback(
    (by: string, isDescending: boolean) => {
      setSort(by);
      setOrder(isDescending ? 'desc' : 'asc');
    },
    [setSort, setOrder],
  );
  return (
    <Screen
      title="Repositories"
      facts={formatPlural(list.total, 'repository', 'repositories')}
      isScrolling={false}
    >
      <Bar label="Filter">
        <SearchInput isMain label="Search repositories" value={q} onChange={setQ} />
      </Bar>
      {list.error !== null && <Failed error={list.error} onRetry={list.reload} />}
      {list.isLoading ? (
        <Skeleton />
      ) : (
        <Grid
          label="Repositories"
          name="repositories"
          columns={columns}
          rows={list.rows}
          total={list.total}
          keyOf={({ name }) => name}
          need={list.need}
          sort={{ by: sort, isDescending: order === 'desc' }}
          onSort={onSort}
          onOpen={({ name }) => navigate({ page: 'repository', repository: name })}
          isStale={list.isStale}
          empty={<Empty icon={<Boxes />} title="No repositories yet" />}
        />
      )}
    </Screen>
  );
}
