import { Package } from 'lucide-react';
import { useState } from 'react';
import type { PackageRow } from '../../../registry/spec/admin/image.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Empty } from '../../parts/states.tsx';
import { formatForeign, formatPlural } from '../../format.ts';
import { useRows } from '../../state/calls.ts';
import { ColumnsBar } from './columns-bar.tsx';
import styles from './image.module.css';

const columns: readonly Column<PackageRow>[] = [
  {
    id: 'name',
    title: 'Package',
    canHide: false,
    width: 'minmax(140px, 3fr)',
    cell: ({ name }) => <span title={formatForeign(name)}>{formatForeign(name)}</span>,
  },
  {
    id: 'version',
    title: 'Version',
    width: 'minmax(90px, 2fr)',
    cell: ({ version }) => version !== undefined && <code>{formatForeign(version)}</code>,
  },
  {
    id: 'type',
    title: 'Type',
    width: '90px',
    cell: ({ type }) => type !== undefined && <span>{formatForeign(type)}</span>,
  },
  {
    id: 'license',
    title: 'License',
    width: 'minmax(90px, 2fr)',
    fromWidth: 420,
    cell: ({ license }) => license !== undefined && <span>{formatForeign(license)}</span>,
  },
];

/** What an SBOM says is in the image. */
export function Packages({ repository, digest }: { readonly repository: string; readonly digest: string }) {
  const [q, setQ] = useState('');
  const list = useRows('packages.list', { repository, digest, ...(q === '' ? {} : { q }) });
  if (isAppError(list.error, 'CONTENT_UNREADABLE'))
    return (
      <Empty icon={<Package />} title="This document lists no packages">
        <p>Packages are read from SPDX and CycloneDX in JSON. Text shows what it says.</p>
      </Empty>
    );
  return (
    <>
      <ColumnsBar name="packages" columns={columns}>
        <SearchInput label="Search packages" value={q} onChange={setQ} isMain />
        <span className={styles['muted']}>{!list.isLoading && formatPlural(list.total, 'package')}</span>
      </ColumnsBar>
      <Listed list={list}>
        <Grid
          label="Packages"
          name="packages"
          columns={columns}
          rows={list.rows}
          total={list.total}
          keyOf={({ name, version, type }) => `${name}\0${version ?? ''}\0${type ?? ''}`}
          need={list.need}
          isStale={list.isStale}
          empty={
            <Empty
              icon={<Package />}
              title={q === '' ? 'It lists no packages' : `No package has ${q} in its name`}
            />
          }
        />
      </Listed>
    </>
  );
}
