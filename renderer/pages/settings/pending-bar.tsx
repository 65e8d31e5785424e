import type { SettingsForm } from '../../../registry/spec/admin/settings.ts';
import { formatPlural } from '../../format.ts';
import { CopyLine } from '../../parts/copy.tsx';
import { Notice } from '../../parts/states.tsx';
import styles from './settings.module.css';

/** The settings that were changed and are not in force yet, and what brings them into force. */
export function PendingBar({ form }: { readonly form: SettingsForm | undefined }) {
  const pending = (form?.sections ?? []).flatMap(({ fields }) => fields.filter(({ isPending }) => isPending));
  if (pending.length === 0) return null;
  return (
    <div className={styles['pending']}>
      <Notice kind="warn" actions={<CopyLine text="berth restart" label="Copy command" />}>
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
