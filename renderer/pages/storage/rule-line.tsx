import { Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { IconButton } from '../../parts/button.tsx';
import { Toggle } from '../../parts/field.tsx';
import { Blank } from './blank.tsx';
import styles from './storage.module.css';

/** A rule: whether it holds, its sentence, its name, and what is wrong with it. */
export function RuleLine({
  id,
  onId,
  enabled,
  onEnabled,
  onRemove,
  problems,
  warning,
  children,
}: {
  readonly id: string;
  readonly onId: (id: string) => void;
  /** Absent for what cannot be switched off. */
  readonly enabled?: boolean;
  readonly onEnabled?: (enabled: boolean) => void;
  readonly onRemove: () => void;
  readonly problems: Readonly<Record<string, string>>;
  readonly warning?: string | undefined;
  readonly children: ReactNode;
}) {
  const wrong = Object.values(problems);
  return (
    <li className={styles['rule']} aria-label={`Rule ${id}`}>
      <div className={`${styles['sentence']} ${enabled === false ? styles['off'] : ''}`}>{children}</div>
      <div className={styles['ruleSide']}>
        <span className={styles['ruleName']}>
          <span aria-hidden>named</span>
          <Blank label="Name of the rule" value={id} onChange={onId} problem={problems['id']} least={8} />
        </span>
        {enabled !== undefined && onEnabled !== undefined && (
          <Toggle isSelected={enabled} onChange={onEnabled}>
            <span className={styles['hiddenText']}>{`Rule ${id} is `}</span>
            {enabled ? 'On' : 'Off'}
          </Toggle>
        )}
        <IconButton label={`Remove rule ${id}`} onPress={onRemove}>
          <Trash2 />
        </IconButton>
      </div>
      {wrong.length > 0 && <p className={styles['wrong']}>{wrong.join('. ')}.</p>}
      {wrong.length === 0 && warning !== undefined && <p className={styles['warning']}>{warning}</p>}
    </li>
  );
}
