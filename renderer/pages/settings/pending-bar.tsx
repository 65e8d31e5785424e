import type { SettingsForm } from '../../../registry/spec/admin/settings.ts';
import { formatPlural } from '../../format.ts';
import { openRestart } from '../../frame/stop.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Notice } from '../../parts/states.tsx';
import { useCall } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import styles from './settings.module.css';

/** The settings that were changed and are not in force yet, and what brings them into force. */
export function PendingBar({ form }: { readonly form: SettingsForm | undefined }) {
  const shell = useShell();
  const { data: status } = useCall('status.get', {});
  const pending = (form?.sections ?? []).flatMap(({ fields }) => fields.filter(({ isPending }) => isPending));
  if (pending.length === 0) return null;
  return (
    <div className={styles['pending']}>
      <Notice
        kind="warn"
        actions={
          shell !== undefined && status?.runs === 'desktop' ? (
            <Button look="primary" onPress={() => openRestart(shell)}>
              Apply by a restart…
            </Button>
          ) : (
            <CopyLine text="berth restart" label="Copy command" />
          )
        }
      >
        <strong>
          {pending.length === 1
            ? '1 setting waits for a restart'
            : `${formatPlural(pending.length, 'setting')} wait for a restart`}
        </strong>
        : {pending.map(({ title }) => title).join(', ')}
      </Notice>
    </div>
  );
}
