import { Lock, PackageX } from 'lucide-react';
import { isAppError } from '../../../registry/spec/errors.ts';
import { formatBytes, formatExactBytes, formatForeign, formatPlural } from '../../format.ts';
import { openConnect } from '../../frame/open.tsx';
import { problemOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { Menu, type MenuEntry } from '../../parts/menu.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { Bytes, Chip } from '../../parts/values.tsx';
import { hrefOf, navigate } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useRepositoryActs } from '../repositories/use-repository-acts.tsx';
import { openCopyImage } from './open-dialogs.tsx';
import { HistoryTab } from './history-tab.tsx';
import styles from './repository.module.css';
import { SettingsTab } from './settings-tab.tsx';
import { TagsTab } from './tags-tab.tsx';
import { UntaggedTab } from './untagged-tab.tsx';
import { otherWrites, useNote } from './use-note.ts';

export interface RepositoryProps {
  readonly repository: string;
  readonly tab: string | undefined;
}

export function RepositoryScreen({ repository, tab }: RepositoryProps) {
  const answer = useCall('repositories.get', { repository });
  const isGone = isAppError(answer.error, 'NAME_UNKNOWN');
  const { data } = answer;
  return (
    <Screen
      title={<RepositoryName name={repository} />}
      facts={
        !isGone &&
        data !== undefined && (
          <>
            {data.kind !== undefined && <Chip>{data.kind}</Chip>}
            {data.isReadOnly === true && (
              <Chip tone="warn" icon={<Lock aria-hidden />} title="Pushes, moves and deletes are refused">
                Read-only
              </Chip>
            )}
            <Bytes value={data.exclusiveBytes} />
            {data.sharedBytes > 0 && (
              <span title={`${formatExactBytes(data.sharedBytes)} that other repositories use, too`}>
                {`${formatBytes(data.sharedBytes)} shared`}
              </span>
            )}
            <span>{formatPlural(data.tagCount, 'tag')}</span>
            <span>{formatPlural(sum(data.pulls30d), 'pull')} in 30 days</span>
          </>
        )
      }
      actions={!isGone && <Actions repository={repository} isReadOnly={data?.isReadOnly} />}
      isScrolling={false}
    >
      {isGone ? (
        <Empty icon={<PackageX />} title={`There is no repository ${repository}`}>
          <p>{problemOf(answer.error).title}</p>
          <a href={hrefOf({ page: 'repositories' })}>All repositories</a>
        </Empty>
      ) : (
        <Loaded answer={answer}>
          {({ description }) => (
            <>
              {description !== undefined && (
                <p className={styles['description']} title={formatForeign(description)}>
                  {formatForeign(description)}
                </p>
              )}
              <Tabs
                label="Repository"
                selected={tab}
                onSelect={(id) =>
                  navigate({ page: 'repository', repository, tab: id === 'tags' ? undefined : id })
                }
                tabs={[
                  { id: 'tags', label: 'Tags', content: () => <TagsTab repository={repository} /> },
                  {
                    id: 'untagged',
                    label: 'Untagged',
                    content: () => <UntaggedTab repository={repository} />,
                  },
                  { id: 'history', label: 'History', content: () => <HistoryTab repository={repository} /> },
                  {
                    id: 'settings',
                    label: 'Settings',
                    content: () => <SettingsTab repository={repository} />,
                  },
                ]}
              />
            </>
          )}
        </Loaded>
      )}
    </Screen>
  );
}

function RepositoryName({ name }: { readonly name: string }) {
  const end = name.lastIndexOf('/') + 1;
  return (
    <>
      <span className={styles['namespace']}>{name.slice(0, end)}</span>
      {name.slice(end)}
    </>
  );
}

function Actions({
  repository,
  isReadOnly,
}: {
  readonly repository: string;
  readonly isReadOnly: boolean | undefined;
}) {
  const acts = useRepositoryActs();
  const note = useNote(repository);
  const entries: readonly MenuEntry[] = [
    ...acts.menuOf(repository).filter(({ id }) => id !== 'open' && id !== 'delete'),
    {
      id: 'copy',
      label: 'Copy the newest tag to…',
      act: () => void acts.withNewest(repository, ({ tag }) => openCopyImage({ repository, reference: tag })),
    },
    {
      id: 'readOnly',
      label: isReadOnly === true ? 'Admit pushes again' : 'Read-only: refuse pushes',
      act: () => note(...otherWrites(repository, isReadOnly)),
    },
    ...acts.menuOf(repository).filter(({ id }) => id === 'delete'),
  ];
  return (
    <>
      <a href={hrefOf({ page: 'storage', tab: 'rules' })} className={styles['rules']}>
        Rules
      </a>
      <Button onPress={() => acts.copyName(repository)}>Copy</Button>
      <Button onPress={openConnect}>Connect</Button>
      <Menu label="More" button={<Button>More</Button>} entries={entries} />
    </>
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
