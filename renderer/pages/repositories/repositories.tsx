import { Boxes, FileInput, ListTree, Rows3, SearchX } from 'lucide-react';
import { type KeyboardEvent, useCallback, useMemo, useState } from 'react';
import { compileGlobs } from '../../../registry/spec/globs.ts';
import { formatPlural } from '../../format.ts';
import { openPushImages } from '../../frame/open.tsx';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { TermChips } from '../../parts/filter-chip.tsx';
import { Grid, type GridProps } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { QueryInput } from '../../parts/query-input.tsx';
import { Bar, Screen } from '../../parts/screen.tsx';
import { Empty } from '../../parts/states.tsx';
import { WriteButton } from '../../parts/write-button.tsx';
import { openImport } from '../transfer/open-transfer.tsx';
import { navigate, useSort } from '../../route.ts';
import { useAddress } from '../../state/address.ts';
import { useCall, useRows } from '../../state/calls.ts';
import { setPreferences, usePreferences } from '../../state/preferences.ts';
import { useShell } from '../../state/shell.ts';
import { useQueryText } from '../../state/query.ts';
import { columnsOf } from './columns.tsx';
import styles from './repositories.module.css';
import { listOf, type RepositoryNode, treeOf } from './tree.ts';
import { useRepositoryActs } from './use-repository-acts.tsx';

const orders = ['name', 'pushed', 'pulled', 'size', 'pulls', 'tags'] as const;
const chips = [
  ['Stale > 90 d', 'is:stale'],
  ['Untagged', 'is:untagged'],
  ['> 500 MB', 'size:>500m'],
  ['Multi-platform', 'is:multiplatform'],
  ['Unsigned', 'is:unsigned'],
] as const;

export function RepositoriesScreen() {
  const query = useQueryText('repositories');
  const [sort, setSort] = useSort(orders, 'pushed');
  const isTree = usePreferences().repositories === 'tree';
  const list = useRows(
    'repositories.list',
    { ...(query.q === '' ? {} : { q: query.q }), sort: sort.by, descending: sort.isDescending },
    { loadsAll: isTree },
  );
  const { data: anonymous } = useCall('access.anonymous', {});
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const acts = useRepositoryActs();

  const onExpand = useCallback(({ key }: RepositoryNode, isExpanded: boolean) => {
    setCollapsed((former) => {
      const next = new Set(former);
      if (isExpanded) next.delete(key);
      else next.add(key);
      return next;
    });
  }, []);
  const isOpen = useMemo(
    () => (anonymous === undefined ? undefined : compileGlobs(anonymous.repositories)),
    [anonymous],
  );
  const columns = useMemo(() => columnsOf({ isTree, isOpen, onExpand }), [isTree, isOpen, onExpand]);
  const nodes = useMemo(
    () => (isTree ? treeOf(list.rows, collapsed) : listOf(list.rows)),
    [isTree, list.rows, collapsed],
  );
  const changeView = (): void => setPreferences({ repositories: isTree ? 'list' : 'tree' });
  useShortcuts([{ keys: ['T', 't'], label: 'List or tree', group: 'Repositories', run: changeView }]);

  const treeProps: Pick<GridProps<RepositoryNode>, 'levelOf' | 'isExpanded' | 'onExpand'> = {
    levelOf: ({ level }) => level,
    isExpanded: (node) => (node.kind === 'namespace' ? node.isExpanded : undefined),
    onExpand,
  };

  function open(node: RepositoryNode): void {
    if (node.kind === 'repository') navigate({ page: 'repository', repository: node.key });
    else onExpand(node, !node.isExpanded);
  }

  function onKey(event: KeyboardEvent, node: RepositoryNode): boolean {
    return node.kind === 'repository' && acts.onKey(event, node.key);
  }

  return (
    <Screen
      title="Repositories"
      facts={list.first && formatPlural(list.total, 'repository', 'repositories')}
      actions={
        <WriteButton icon={<FileInput />} onPress={() => void openImport()}>
          Import…
        </WriteButton>
      }
      isScrolling={false}
    >
      <Bar label="Filter">
        <QueryInput label="Search repositories" list="repositories" query={query} />
        <TermChips query={query} terms={chips} />
        <div className={styles['end']}>
          <IconButton label={isTree ? 'Show as a list (T)' : 'Show as a tree (T)'} onPress={changeView}>
            {isTree ? <Rows3 /> : <ListTree />}
          </IconButton>
          <ColumnsMenu name="repositories" columns={columns} />
        </div>
      </Bar>
      <Listed list={list}>
        <Grid
          label="Repositories"
          name="repositories"
          columns={columns}
          rows={nodes}
          total={isTree ? nodes.length : list.total}
          keyOf={({ key }) => key}
          need={list.need}
          sort={sort}
          onSort={setSort}
          onOpen={open}
          onKey={onKey}
          menuOf={(node) => (node.kind === 'repository' ? acts.menuOf(node.key) : [])}
          hasMenuRow={({ kind }) => kind === 'repository'}
          {...(isTree ? treeProps : {})}
          question={`${query.q} ${sort.by} ${sort.isDescending}`}
          isStale={list.isStale}
          empty={
            query.q === '' ? (
              <Recipe />
            ) : (
              <Empty icon={<SearchX />} title={`Nothing matches ${query.q}`}>
                <Button onPress={() => query.setText('')}>Clear</Button>
              </Empty>
            )
          }
        />
      </Listed>
    </Screen>
  );
}

function Recipe() {
  const shell = useShell();
  const address = useAddress();
  const commands = [
    `docker tag alpine:latest ${address}/alpine:latest`,
    `docker push ${address}/alpine:latest`,
    `docker pull ${address}/alpine:latest`,
  ];
  return (
    <Empty icon={<Boxes />} title="No repositories yet">
      <div className={styles['recipe']}>
        <p>
          A repository holds the tags of one image. It appears here with the first push. Log in with{' '}
          <code>docker login {address}</code>, then give an image of yours the name of this registry, and push
          it:
        </p>
        <CopyLine text={commands.join('\n')} label="Copy commands" />
        {shell !== undefined && (
          <div>
            <WriteButton onPress={() => openPushImages(shell)}>Push images of this computer</WriteButton>
          </div>
        )}
      </div>
    </Empty>
  );
}
