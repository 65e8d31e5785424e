import { Tags } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { SearchInput } from '../../parts/field.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Empty } from '../../parts/states.tsx';
import { Bytes, Digest, Time } from '../../parts/values.tsx';
import { toastError } from '../../parts/toast.tsx';
import { useAsk, useRows } from '../../state/calls.ts';
import styles from './compare.module.css';

/** Asks for a tag of a repository: a word narrows the list, Enter takes the first. */
export function ChooseTag({
  title,
  repository,
  without,
  onChoose,
  onClose,
}: {
  readonly title: string;
  readonly repository: string;
  /** The reference that it shall be different from. */
  readonly without: string;
  readonly onChoose: (tag: string) => void;
  readonly onClose: () => void;
}) {
  const [q, setQ] = useState('');
  const ask = useAsk();
  // What is typed is the text to look for, not a query: quoted, it may hold a colon.
  const word = q.trim().replaceAll('"', '');
  const query = { repository, sort: 'pushed', ...(word === '' ? {} : { q: `"${word}"` }) } as const;
  const list = useRows('tags.list', query);
  const rows = list.rows.filter(({ tag }) => tag !== without);
  const choose = ({ tag }: Pick<TagRow, 'tag'>): void => {
    onClose();
    onChoose(tag);
  };
  /** The first of what was typed, which may be shown only in a moment. */
  const chooseFirst = async (): Promise<void> => {
    try {
      const { rows: found } = await ask('tags.list', { ...query, limit: 2 });
      const first = found.find(({ tag }) => tag !== without);
      if (first !== undefined) choose(first);
    } catch (error) {
      toastError(error);
    }
  };
  const columns: readonly Column<TagRow>[] = [
    {
      id: 'tag',
      title: 'Tag',
      width: 'minmax(140px, 2fr)',
      cell: (row, { excludeFromTabOrder }) => (
        <button type="button" tabIndex={excludeFromTabOrder ? -1 : 0} onClick={() => choose(row)}>
          {row.tag}
        </button>
      ),
    },
    { id: 'digest', title: 'Digest', width: '110px', cell: ({ digest }) => <Digest value={digest} /> },
    {
      id: 'size',
      title: 'Size',
      width: '80px',
      align: 'end',
      cell: ({ totalBytes }) => <Bytes value={totalBytes} />,
    },
    { id: 'pushed', title: 'Pushed', width: '120px', cell: ({ pushedAt }) => <Time at={pushedAt} /> },
  ];
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    void chooseFirst();
  };
  return (
    <Dialog title={title} size="large" onClose={onClose}>
      <div className={styles['search']} onKeyDown={onKeyDown}>
        <SearchInput label="Search tags" value={q} onChange={setQ} autoFocus />
      </div>
      <div className={styles['choices']}>
        <Listed list={list}>
          <Grid
            label="Tags"
            columns={columns}
            rows={rows}
            total={list.hasMore ? list.total : rows.length}
            keyOf={({ tag }) => tag}
            need={list.need}
            onOpen={choose}
            isStale={list.isStale}
            empty={
              <Empty
                icon={<Tags />}
                title={word === '' ? 'There is no other tag' : `No tag has ${word} in it`}
              >
                <p>
                  {word === ''
                    ? 'Push another version of the image, then the two can be compared.'
                    : 'Clear the search to see all tags.'}
                </p>
              </Empty>
            }
          />
        </Listed>
      </div>
    </Dialog>
  );
}
