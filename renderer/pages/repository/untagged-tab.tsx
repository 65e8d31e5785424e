import { Tag } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { ManifestListRow } from '../../../registry/spec/admin/content.ts';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { copyText } from '../../parts/copy.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Bytes, Chip, Digest, Time } from '../../parts/values.tsx';
import { shortDigest } from '../../format.ts';
import { hrefOf, navigate, useSort } from '../../route.ts';
import { useRows } from '../../state/calls.ts';
import { sayRefusal, useRefusal } from '../../state/refusal.ts';
import { openAddTag } from './open-dialogs.tsx';
import { UntaggedBar } from './untagged-bar.tsx';
import { useDeleteManifests } from './use-delete-manifests.ts';
import styles from './repository.module.css';

const orders = ['pushed', 'size'] as const;
/** One plan has so many. */
const mostChosen = 1000;

/** Manifests without a tag, and why each of them is still there. */
export function UntaggedTab({ repository }: { readonly repository: string }) {
  const [sort, setSort] = useSort(orders, 'pushed');
  const [isSelectingAll, setSelectingAll] = useState(false);
  const list = useRows(
    'manifests.list',
    { repository, untagged: true, sort: sort.by, descending: sort.isDescending },
    { loadsAll: isSelectingAll },
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const select = (keys: ReadonlySet<string>): void => setSelected(new Set([...keys].slice(0, mostChosen)));
  if (isSelectingAll && (list.rows.length >= mostChosen || !list.hasMore)) {
    setSelectingAll(false);
    select(new Set(list.rows.map(({ digest }) => digest)));
  }
  const digests = list.rows.map(({ digest }) => digest).filter((digest) => selected.has(digest));
  const refusal = useRefusal(repository);
  const deleteManifests = useDeleteManifests(repository);
  const columns = useMemo(() => columnsOf(repository, refusal), [repository, refusal]);
  return (
    <>
      <div className={styles['about']}>
        <Notice
          kind="info"
          actions={
            <div className={styles['links']}>
              <a href={hrefOf({ page: 'settings' }, { q: 'untagged' })}>Setting</a>
              <a href={hrefOf({ page: 'storage', tab: 'cleanup' })}>Clean up</a>
              <ColumnsMenu name="untagged" columns={columns} />
            </div>
          }
        >
          {refusal !== undefined && `${refusal}. `}A clean-up takes those that nothing keeps, if the setting
          Collect untagged manifests is on. What you delete here is in the trash for a while.
        </Notice>
      </div>
      <Listed list={list}>
        <Grid
          label="Untagged manifests"
          name="untagged"
          columns={columns}
          rows={list.rows}
          total={list.total}
          keyOf={({ digest }) => digest}
          need={list.need}
          sort={sort}
          onSort={setSort}
          selected={selected}
          onSelect={select}
          onSelectAll={() => setSelectingAll(true)}
          onOpen={({ digest }) => navigate({ page: 'image', repository, reference: digest })}
          onKey={({ key, ctrlKey, metaKey }, { digest }) => {
            const isDelete = key === 'Delete' || (metaKey && key === 'Backspace');
            if (isDelete) {
              if (sayRefusal(refusal)) return true;
              const chosen = digests.length === 0 ? [digest] : digests;
              void deleteManifests(chosen).then((isDone) => isDone && select(new Set()));
              return true;
            }
            if (ctrlKey || metaKey || (key !== 'd' && key !== 't')) return false;
            if (key === 'd') void copyText(digest, 'Digest copied');
            else if (!sayRefusal(refusal)) openAddTag({ repository, digest });
            return true;
          }}
          menuOf={({ digest }) => [
            {
              id: 'open',
              label: 'Open',
              keys: 'Enter',
              act: () => navigate({ page: 'image', repository, reference: digest }),
            },
            {
              id: 'digest',
              label: 'Copy digest',
              keys: 'd',
              act: () => void copyText(digest, 'Digest copied'),
            },
            {
              id: 'tag',
              label: 'Tag it…',
              keys: 't',
              refusal,
              act: () => openAddTag({ repository, digest }),
            },
            {
              id: 'delete',
              label: 'Delete',
              keys: 'Delete',
              isDanger: true,
              refusal,
              act: () => void deleteManifests([digest]),
            },
          ]}
          isStale={list.isStale}
          empty={
            <Empty icon={<Tag />} title="Every manifest has a tag">
              A manifest loses its tag when the tag is deleted, or moves to another one.
            </Empty>
          }
        />
      </Listed>
      {digests.length > 0 && (
        <UntaggedBar
          repository={repository}
          digests={digests}
          total={list.total}
          refusal={refusal}
          deleteManifests={deleteManifests}
          onClear={() => select(new Set())}
        />
      )}
    </>
  );
}

const reasons: Readonly<Record<ManifestListRow['keptBy'], readonly [word: string, why: string]>> = {
  tag: ['Tag', 'A tag means it.'],
  index: ['In an index', 'An index for several platforms lists it.'],
  referrer: ['Attached', 'It is a signature or the like of another manifest.'],
  grace: ['Grace', 'It was pushed or asked for a short while ago: a clean-up leaves it alone for now.'],
  untagged: ['Nothing', 'A clean-up of untagged manifests removes it.'],
};

function columnsOf(repository: string, refusal: string | undefined): readonly Column<ManifestListRow>[] {
  return [
    {
      id: 'digest',
      title: 'Digest',
      width: 'minmax(104px, 1fr)',
      canHide: false,
      cell: ({ digest }, { excludeFromTabOrder }) => (
        <a
          href={hrefOf({ page: 'image', repository, reference: digest })}
          tabIndex={excludeFromTabOrder ? -1 : 0}
        >
          <Digest value={digest} />
        </a>
      ),
    },
    { id: 'kind', title: 'Kind', width: '88px', fromWidth: 740, cell: ({ kind }) => <Chip>{kind}</Chip> },
    {
      id: 'platforms',
      title: 'Platforms',
      width: 'minmax(110px, 1.4fr)',
      fromWidth: 866,
      cell: ({ platforms }) => <span title={platforms.join(', ')}>{platforms.join(', ')}</span>,
    },
    {
      id: 'size',
      title: 'Size',
      width: '64px',
      align: 'end',
      sort: 'size',
      cell: ({ totalBytes }) => <Bytes value={totalBytes} />,
    },
    {
      id: 'pushed',
      title: 'Pushed',
      width: '104px',
      sort: 'pushed',
      cell: ({ pushedAt }) => <Time at={pushedAt} />,
    },
    {
      id: 'kept',
      title: 'Kept by',
      width: 'minmax(140px, 1.2fr)',
      cell: ({ keptBy, subject }) => {
        const [word, why] = reasons[keptBy];
        return (
          <span title={why}>
            {word}
            {keptBy === 'referrer' && subject !== undefined && ` to ${shortDigest(subject)}`}
          </span>
        );
      },
    },
    {
      id: 'tag',
      title: 'Tag',
      width: '64px',
      canHide: false,
      cell: ({ digest }, { excludeFromTabOrder }) => (
        <button
          type="button"
          className={styles['restore']}
          tabIndex={excludeFromTabOrder ? -1 : 0}
          aria-label={`Tag it, ${shortDigest(digest)}`}
          disabled={refusal !== undefined}
          title={refusal}
          onClick={() => openAddTag({ repository, digest })}
        >
          Tag it
        </button>
      ),
    },
  ];
}
