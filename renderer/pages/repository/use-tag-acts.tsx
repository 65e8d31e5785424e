import type { KeyboardEvent } from 'react';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { TagsPlan } from '../../../registry/spec/admin/plans.ts';
import { formatCount, formatPlural, formatReference } from '../../format.ts';
import { copyText } from '../../parts/copy.tsx';
import type { MenuEntry } from '../../parts/menu.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { navigate } from '../../route.ts';
import { clientFor, getSnippet } from '../../snippets.ts';
import { useAddress } from '../../state/address.ts';
import { useAsk, useGuess } from '../../state/calls.ts';
import { preferences } from '../../state/preferences.ts';
import { sayRefusal, useRefusal } from '../../state/refusal.ts';
import { useRestore } from '../../state/trash.ts';
import { openExport } from '../transfer/open-transfer.tsx';
import { openAddTag } from './open-dialogs.tsx';
import { openCopyImage } from './open-dialogs.tsx';
import { type DeletionPlan, partsOf, sumOf } from './plan-deletion.ts';

export interface TagActs {
  /** Why none of its tags is moved or deleted at present. */
  readonly refusal: string | undefined;
  menuOf(row: TagRow): readonly MenuEntry[];
  /** True if the key was for what the row names. */
  onKey(event: KeyboardEvent, named: Named): boolean;
  /** Deletes what the plan says, or what a plan of now says; answers whether that was done. */
  deleteTags(tags: readonly string[], plan?: DeletionPlan): Promise<boolean>;
  protect(tags: readonly string[]): Promise<void>;
}

/** A tag, or a manifest by its digest alone. */
export interface Named extends Pick<TagRow, 'digest' | 'kind'> {
  readonly reference: string;
}

/** What is done with the tags of a repository. */
export function useTagActs(repository: string): TagActs {
  const ask = useAsk();
  const guess = useGuess();
  const restore = useRestore();
  const address = useAddress();
  const refusal = useRefusal(repository);

  async function planOf(tags: readonly string[]): Promise<DeletionPlan> {
    const parts: TagsPlan[] = [];
    for (const part of partsOf(tags, () => undefined))
      parts.push(await ask('tags.plan', { repository, tags: [...part] }));
    return sumOf(parts);
  }

  async function deleteTags(tags: readonly string[], given?: DeletionPlan): Promise<boolean> {
    if (sayRefusal(refusal)) return false;
    let takeBack = (): void => undefined;
    try {
      const plan = given ?? (await planOf(tags));
      if (plan.tags === 0) {
        toast({ kind: 'error', text: protectedText(plan) });
        return false;
      }
      const rows = plan.parts.flatMap((part) => part.rows);
      const going = new Set(rows.filter((row) => row.protectedBy === undefined).map(({ tag }) => tag));
      takeBack = guess('tags.list', (all) =>
        (all as readonly TagRow[]).filter((row) => row.repository !== repository || !going.has(row.tag)),
      );
      const trash: string[] = [];
      const deleted: string[] = [];
      for (const part of plan.parts) {
        const done = await ask('tags.deleteMany', {
          repository,
          tags: part.rows.map(({ tag }) => tag),
          plan: part.plan,
        });
        trash.push(...done.trash);
        deleted.push(...done.deleted);
      }
      toast({ text: deletedText(plan, deleted), undo: () => restore(trash) });
      return true;
    } catch (error) {
      takeBack();
      toastError(error);
      return false;
    }
  }

  async function protect(tags: readonly string[]): Promise<void> {
    const rules = tags.map((tag) => `${repository}:${tag}`);
    const chosen = new Set(tags);
    const takeBack = guess('tags.list', (all) =>
      (all as readonly TagRow[]).map((row) =>
        row.repository === repository && chosen.has(row.tag) && row.protectedBy === undefined
          ? { ...row, protectedBy: `${repository}:${row.tag}` }
          : row,
      ),
    );
    try {
      for (const rule of rules) await ask('protect.add', { rule });
      toast({
        text: `${nameOf(tags)} ${tags.length === 1 ? 'keeps its' : 'keep their'} meaning`,
        undo: () => unprotect(rules),
      });
    } catch (error) {
      takeBack();
      toastError(error);
    }
  }

  async function unprotect(rules: readonly string[]): Promise<void> {
    for (const rule of rules) await ask('protect.remove', { rule });
  }

  function copyReference({ reference }: Named): void {
    void copyText(`${address}/${formatReference(repository, reference)}`, 'Reference copied');
  }

  function copyPull({ reference, kind }: Named): void {
    const client = clientFor(kind, preferences().client);
    void copyText(getSnippet({ address, repository, reference, client }), 'Pull command copied');
  }

  function exportIt({ reference }: Named): void {
    openExport([formatReference(repository, reference)]);
  }

  function protection({ tag, protectedBy }: TagRow): MenuEntry {
    const own = `${repository}:${tag}`;
    if (protectedBy === undefined) return { id: 'protect', label: 'Protect', act: () => void protect([tag]) };
    if (protectedBy !== own)
      return { id: 'protect', label: `Protected by ${protectedBy}`, isDisabled: true, act() {} };
    return {
      id: 'protect',
      label: 'Stop protecting',
      act: () =>
        void unprotect([own]).then(
          () =>
            toast({ text: `${tag} can be moved and deleted`, undo: () => ask('protect.add', { rule: own }) }),
          toastError,
        ),
    };
  }

  return {
    refusal,
    deleteTags,
    protect,
    menuOf(row) {
      const { tag, digest } = row;
      const named = { ...row, reference: tag };
      return [
        {
          id: 'open',
          label: 'Open',
          keys: 'Enter',
          act: () => navigate({ page: 'image', repository, reference: tag }),
        },
        { id: 'reference', label: 'Copy reference', keys: 'y', act: () => copyReference(named) },
        { id: 'pull', label: 'Copy pull command', keys: 'Y', act: () => copyPull(named) },
        { id: 'digest', label: 'Copy digest', keys: 'd', act: () => copyDigest(row) },
        { id: 'add', label: 'Add tag…', refusal, act: () => openAddTag({ repository, digest }) },
        { id: 'copy', label: 'Copy to…', act: () => openCopyImage({ repository, reference: tag }) },
        { id: 'export', label: 'Export…', keys: 'e', act: () => exportIt(named) },
        protection(row),
        {
          id: 'history',
          label: 'History of the tag',
          act: () => navigate({ page: 'repository', repository, tab: 'history' }, { params: { tag } }),
        },
        {
          id: 'delete',
          label: 'Delete',
          keys: 'Delete',
          isDanger: true,
          isDisabled: row.protectedBy !== undefined,
          refusal,
          act: () => void deleteTags([tag]),
        },
      ];
    },
    onKey(event, named) {
      const act = { y: copyReference, Y: copyPull, d: copyDigest, e: exportIt }[event.key];
      if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
      act(named);
      return true;
    },
  };
}

function copyDigest({ digest }: Pick<Named, 'digest'>): void {
  void copyText(digest, 'Digest copied');
}

function nameOf(tags: readonly string[]): string {
  const [tag = ''] = tags;
  return tags.length === 1 ? tag : formatPlural(tags.length, 'tag');
}

function deletedText(plan: DeletionPlan, deleted: readonly string[]): string {
  const [row] = plan.parts.flatMap((part) => part.rows);
  const stays =
    deleted.length === 1 && row !== undefined && row.staysWith.length > 0
      ? `; the digest stays: also ${row.staysWith.slice(0, 3).join(', ')}`
      : '';
  const kept = plan.protectedTags > 0 ? `; ${formatCount(plan.protectedTags)} protected, and kept` : '';
  return `Deleted ${nameOf(deleted)}${stays}${kept}`;
}

function protectedText(plan: DeletionPlan): string {
  const rows = plan.parts.flatMap((part) => part.rows);
  const rules = [...new Set(rows.map(({ protectedBy }) => protectedBy))].slice(0, 3).join(', ');
  return `${nameOf(rows.map(({ tag }) => tag))} cannot be deleted: protected by ${rules}.`;
}
