import { useCallback, useMemo, useRef, useState } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { AdminInput } from '../../../registry/spec/admin-api.ts';
import { formatCount } from '../../format.ts';
import { toast, toastError } from '../../parts/toast.tsx';
import { type Rows, useAsk } from '../../state/calls.ts';

/** What one selection holds at most. */
const mostSelected = 10_000;
const pageRows = 500;

export interface Selection {
  readonly selected: ReadonlySet<string>;
  readonly select: (tags: ReadonlySet<string>) => void;
  readonly clear: () => void;
  /** Selects all that match, those that are not loaded too, up to `mostSelected`. */
  readonly selectAll: () => Promise<void>;
  /** Selects the tags of one digest, instead of what was selected. */
  readonly selectDigest: (digest: string) => void;
  /** Leaves those out that are gone. */
  readonly prune: () => Promise<void>;
  /** The digest of a tag that is or was loaded. */
  readonly digestOf: (tag: string) => string | undefined;
  readonly isSelectingAll: boolean;
}

type Asked = Omit<AdminInput<'tags.list'>, 'after' | 'limit'>;

/** The selected tags of a list. */
export function useSelection(args: Asked, list: Rows<TagRow>): Selection {
  const ask = useAsk();
  const { repository } = args;
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isSelectingAll, setSelectingAll] = useState(false);
  const digests = useRef(new Map<string, string>());

  const isAny = selected.size > 0;
  const loaded = useMemo(
    () => new Map(isAny ? list.rows.map(({ tag, digest }) => [tag, digest]) : []),
    [isAny, list.rows],
  );

  async function load(asked: Asked): Promise<{ readonly rows: readonly TagRow[]; readonly total: number }> {
    const rows: TagRow[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await ask('tags.list', { ...asked, after, limit: pageRows });
      rows.push(...page.rows);
      after = page.next;
      if (after === undefined || rows.length >= mostSelected)
        return { rows: rows.slice(0, mostSelected), total: page.total };
    }
  }

  async function selectAll(): Promise<void> {
    setSelectingAll(true);
    try {
      const { rows, total } = list.hasMore ? await load(args) : list;
      for (const { tag, digest } of rows) digests.current.set(tag, digest);
      setSelected(new Set(rows.map(({ tag }) => tag)));
      if (total > rows.length)
        toast({
          text: `${formatCount(rows.length)} of ${formatCount(total)} tags are selected: that many at once.`,
        });
    } catch (error) {
      toastError(error);
    } finally {
      setSelectingAll(false);
    }
  }

  const selectDigest = useCallback(
    (digest: string) => {
      void (async () => {
        try {
          const { rows } = await ask('tags.list', { repository, q: digest, limit: pageRows });
          for (const { tag } of rows) digests.current.set(tag, digest);
          setSelected(new Set(rows.map(({ tag }) => tag)));
        } catch (error) {
          toastError(error);
        }
      })();
    },
    [ask, repository],
  );

  return {
    selected,
    select: setSelected,
    clear: () => setSelected(new Set()),
    selectAll,
    selectDigest,
    async prune() {
      const { rows } = await load({ repository });
      const there = new Set(rows.map(({ tag }) => tag));
      setSelected((former) => new Set([...former].filter((tag) => there.has(tag))));
    },
    digestOf: (tag) => loaded.get(tag) ?? digests.current.get(tag),
    isSelectingAll,
  };
}
