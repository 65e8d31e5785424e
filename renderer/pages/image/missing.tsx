import { SearchX } from 'lucide-react';
import { Empty, Failed } from '../../parts/states.tsx';
import { formatReference } from '../../format.ts';
import { hrefOf } from '../../route.ts';
import { useRows } from '../../state/calls.ts';
import { MoveList } from './moves.tsx';
import styles from './image.module.css';

/** The reference means nothing here: what it meant before, and where to look. */
export function Missing({
  repository,
  reference,
}: {
  readonly repository: string;
  readonly reference: string;
}) {
  const isTag = !reference.includes(':');
  const moves = useRows(
    'history.list',
    { repository, ...(isTag ? { tag: reference } : {}) },
    { isWanted: isTag },
  );
  return (
    <>
      <Empty icon={<SearchX />} title={`${formatReference(repository, reference)} is not here`}>
        <p>
          {isTag
            ? moves.total > 0
              ? 'The tag was here once: its moves stand below, and those whose image is here or in the trash can be restored.'
              : 'No tag of that name was ever pushed. Check the name, or push it.'
            : 'The manifest was deleted, or never pushed. Deleted ones are in the trash of Storage for a while.'}
        </p>
        <a href={hrefOf({ page: 'repository', repository })}>Tags of {repository}</a>
      </Empty>
      {moves.error !== null && isTag && <Failed error={moves.error} onRetry={moves.reload} />}
      {moves.total > 0 && isTag && (
        <div className={styles['below']}>
          <MoveList moves={moves} repository={repository} tag={reference} current={undefined} />
        </div>
      )}
    </>
  );
}
