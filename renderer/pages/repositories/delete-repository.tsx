import { formatBytes, formatPlural } from '../../format.ts';
import { ConfirmDialog } from '../../parts/dialog.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { Facts } from '../../parts/values.tsx';
import { useAsk, useCall } from '../../state/calls.ts';
import { useRefusal } from '../../state/refusal.ts';
import { useRestore } from '../../state/trash.ts';

/** Asks before a whole repository is deleted, and says what that takes away. */
export function DeleteRepository({
  repository,
  onClose,
  onDeleted,
}: {
  readonly repository: string;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}) {
  const ask = useAsk();
  const restore = useRestore();
  const refusal = useRefusal(repository);
  const answer = useCall('repositories.plan', { repository }, { keepsFormer: false });
  const plan = answer.data;
  const isKept = refusal !== undefined || (plan !== undefined && plan.protected.length > 0);

  async function remove(): Promise<void> {
    const { trash } = await ask('repositories.delete', { repository, plan: plan?.plan });
    toast({ text: `${repository} is in the trash`, undo: () => restore(trash) });
    onDeleted?.();
  }

  return (
    <ConfirmDialog
      title={`Delete ${repository}?`}
      verb={plan === undefined ? 'Delete' : `Delete ${formatPlural(plan.tags, 'tag')}`}
      typedName={isKept ? undefined : repository}
      cli={`berth rm ${repository}`}
      isDisabled={plan === undefined || isKept}
      act={remove}
      onClose={onClose}
    >
      {refusal !== undefined && <Notice kind="warn">{refusal}.</Notice>}
      <Loaded answer={answer} rows={3}>
        {({ tags, manifests, freedBytes, protected: kept }) => (
          <>
            {kept.length > 0 && (
              <Notice kind="warn">
                It has protected tags, and stays while there is one:{' '}
                {kept.map(({ tag, rule }) => `${tag} (${rule})`).join(', ')}.
              </Notice>
            )}
            <Facts
              rows={[
                ['Tags', formatPlural(tags, 'tag')],
                ['Manifests', formatPlural(manifests, 'manifest')],
                ['Frees', `${formatBytes(freedBytes)}, once it is no longer in the trash`],
              ]}
            />
            <p>It stays in the trash for some days, and can be restored from there.</p>
          </>
        )}
      </Loaded>
    </ConfirmDialog>
  );
}
