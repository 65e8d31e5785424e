import { Group, SearchX, Tags } from 'lucide-react';
import { type KeyboardEvent, useCallback, useMemo, useState } from 'react';
import { formatCount } from '../../format.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button } from '../../parts/button.tsx';
import { ColumnsMenu } from '../../parts/columns-menu.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { FilterChip, TermChips } from '../../parts/filter-chip.tsx';
import { Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { type PlacedMenu, PointMenu } from '../../parts/menu.tsx';
import { QueryInput } from '../../parts/query-input.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Empty } from '../../parts/states.tsx';
import { hasTerm } from '../../query-terms.ts';
import { navigate, useParam, useSort } from '../../route.ts';
import { useAddress } from '../../state/address.ts';
import { useCall, useRows } from '../../state/calls.ts';
import { useQueryText } from '../../state/query.ts';
import { copyEntries } from './copy-entries.ts';
import styles from './repository.module.css';
import { SelectionBar } from './selection-bar.tsx';
import { tagColumnsOf } from './tag-columns.tsx';
import { digestOf, type TagNode, tagNodesOf } from './tag-nodes.ts';
import { useDetails } from './use-details.ts';
import { useSelection } from './use-selection.ts';
import { type Named, useTagActs } from './use-tag-acts.tsx';

const orders = ['pushed', 'pulled', 'semver', 'size', 'pulls'] as const;
const chips = [
  ['Unsigned', 'is:unsigned'],
  ['Multi-platform', 'is:multiplatform'],
  ['Stale > 90 d', 'is:stale'],
  ['Never pulled', 'pulled:never'],
] as const;

export function TagsTab({ repository }: { readonly repository: string }) {
  const query = useQueryText('tags');
  const [sort, setSort] = useSort(orders, 'pushed');
  const [grouping, setGrouping] = useParam('group');
  const [fallbacks, setFallbacks] = useParam('fallbacks');
  const isGrouped = grouping === 'digest';
  const q = useMemo(() => withFallbacks(query.q, fallbacks === 'shown'), [query.q, fallbacks]);
  const args = { repository, ...(q === '' ? {} : { q }), sort: sort.by, descending: sort.isDescending };
  const list = useRows('tags.list', args, { loadsAll: isGrouped });
  const { data: hidden } = useCall('tags.list', { repository, q: 'is:fallback', limit: 1 });
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const details = useDetails(repository, list.rows, open);
  const nodes = useMemo(
    () => tagNodesOf({ rows: list.rows, details, isGrouped, closed }),
    [list.rows, details, isGrouped, closed],
  );
  const selection = useSelection(args, list);
  const acts = useTagActs(repository);
  const { refusal } = acts;
  const address = useAddress();
  const [menu, setMenu] = useState<PlacedMenu>();

  const onExpand = useCallback((node: TagNode, isExpanded: boolean) => {
    if (node.kind === 'group') setClosed((former) => changed(former, node.key, !isExpanded));
    else setOpen((former) => changed(former, node.key, isExpanded));
  }, []);
  const { selectDigest } = selection;
  const columns = useMemo(
    () =>
      tagColumnsOf({
        repository,
        address,
        isGrouped,
        refusal,
        onExpand,
        onSelectTrack: selectDigest,
        onCopyMenu: (row, place) =>
          setMenu({
            label: `Copy ${row.tag}`,
            place,
            entries: copyEntries({ address, repository, tag: row.tag, digest: row.digest }),
          }),
      }),
    [repository, address, isGrouped, refusal, onExpand, selectDigest],
  );
  const changeGrouping = (): void => setGrouping(isGrouped ? '' : 'digest');
  useShortcuts([{ keys: ['G'], label: 'Group tags by digest', group: 'Tags', run: changeGrouping }]);

  // Rows below tags are not in the list that is loaded.
  const below = nodes.length - list.rows.length;
  const { need: needRow } = list;
  const need = useCallback((index: number) => needRow(index - below), [needRow, below]);

  function openNode(node: TagNode): void {
    const reference = namedIn(node)?.reference;
    if (reference !== undefined) navigate({ page: 'image', repository, reference });
  }

  function onKey(event: KeyboardEvent, node: TagNode): boolean {
    if (node.kind === 'tag' && (event.key === 'Delete' || (event.key === 'Backspace' && event.metaKey))) {
      if (selection.selected.size === 0) void acts.deleteTags([node.key]);
      else void acts.deleteTags([...selection.selected]).then((isDone) => isDone && selection.clear());
      return true;
    }
    const named = namedIn(node);
    return named !== undefined && acts.onKey(event, named);
  }

  const hiddenCount = hidden?.total ?? 0;
  return (
    <>
      <Bar label="Filter">
        <QueryInput label="Search tags" list="tags" query={query} />
        <TermChips query={query} terms={chips} />
        {hiddenCount > 0 && !mentionsFallbacks(query.q) && (
          <FilterChip
            isSelected={fallbacks === 'shown'}
            onChange={(isShown) => setFallbacks(isShown ? 'shown' : '')}
          >
            {formatCount(hiddenCount)} sha256-… {hiddenCount === 1 ? 'tag' : 'tags'}
          </FilterChip>
        )}
        <div className={styles['end']}>
          <FilterChip isSelected={isGrouped} onChange={changeGrouping}>
            <Group aria-hidden /> By digest
          </FilterChip>
          <ColumnsMenu name="tags" columns={columns} />
        </div>
      </Bar>
      <Listed list={list}>
        <Grid
          label="Tags"
          name="tags"
          columns={columns}
          rows={nodes}
          total={isGrouped ? nodes.length : list.total + below}
          keyOf={keyOf}
          need={need}
          sort={sort}
          onSort={setSort}
          selected={selection.selected}
          onSelect={selection.select}
          onSelectAll={() => void selection.selectAll()}
          canSelectRow={isTag}
          onOpen={openNode}
          onKey={onKey}
          menuOf={(node) => (node.kind === 'tag' ? acts.menuOf(node.row) : [])}
          hasMenuRow={isTag}
          levelOf={({ level }) => level}
          isExpanded={(node) => ('isExpanded' in node ? node.isExpanded : undefined)}
          onExpand={onExpand}
          question={`${q} ${sort.by} ${sort.isDescending}`}
          isStale={list.isStale}
          empty={
            query.q === '' ? (
              <NoTags repository={repository} address={address} hasFallbacks={hiddenCount > 0} />
            ) : (
              <Empty icon={<SearchX />} title={`Nothing matches ${query.q}`}>
                <Button onPress={() => query.setText('')}>Clear</Button>
              </Empty>
            )
          }
        />
        {selection.isSelectingAll && (
          <div role="status" className={styles['selection']}>
            Selecting all that match
          </div>
        )}
        {selection.selected.size > 0 && !selection.isSelectingAll && (
          <SelectionBar repository={repository} selection={selection} acts={acts} version={list.updatedAt} />
        )}
      </Listed>
      {menu !== undefined && <PointMenu menu={menu} onClose={() => setMenu(undefined)} />}
    </>
  );
}

function NoTags({
  repository,
  address,
  hasFallbacks,
}: {
  readonly repository: string;
  readonly address: string;
  readonly hasFallbacks: boolean;
}) {
  return (
    <Empty icon={<Tags />} title="No tags">
      <div className={styles['recipe']}>
        <p>
          {hasFallbacks
            ? 'Its only tags hold signatures and the like: the chip above shows them.'
            : 'Its manifests have no tag: the tab Untagged lists them.'}{' '}
          A push makes a tag:
        </p>
        <CopyLine text={`docker push ${address}/${repository}:latest`} label="Copy command" />
      </div>
    </Empty>
  );
}

/** Tags that hold attachments are left out, unless the query speaks of them. */
function withFallbacks(q: string, areShown: boolean): string {
  return areShown || mentionsFallbacks(q) ? q : `${q} -is:fallback`.trim();
}

function mentionsFallbacks(q: string): boolean {
  return hasTerm(q, 'is:fallback') || hasTerm(q, '-is:fallback');
}

function keyOf({ key }: TagNode): string {
  return key;
}

function isTag({ kind }: TagNode): boolean {
  return kind === 'tag';
}

/** What a row names; absent for a note. */
function namedIn(node: TagNode): Named | undefined {
  const digest = digestOf(node);
  if (digest === undefined) return undefined;
  if (node.kind === 'tag') return { ...node.row, reference: node.row.tag };
  const kind = node.kind === 'attached' ? node.referrer.kind : 'tag' in node ? node.tag.kind : 'image';
  return { reference: digest, digest, kind };
}

function changed(keys: ReadonlySet<string>, key: string, isIn: boolean): ReadonlySet<string> {
  const next = new Set(keys);
  if (isIn) next.add(key);
  else next.delete(key);
  return next;
}
