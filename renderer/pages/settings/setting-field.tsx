import { Lock, RotateCcw, SquareTerminal } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import type { SettingRow } from '../../../registry/spec/admin/settings.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { CopyButton, copyText } from '../../parts/copy.tsx';
import { Notice } from '../../parts/states.tsx';
import { Chip } from '../../parts/values.tsx';
import { cliOf, controlOf, textOf, warningOf } from './form.ts';
import { Saved } from './saved.tsx';
import { SettingInput } from './setting-input.tsx';
import { useSettingEdit } from './use-setting-edit.ts';
import styles from './settings.module.css';

export interface SettingFieldProps {
  readonly field: SettingRow;
  /** Asks for the form again. */
  readonly reload: () => Promise<unknown>;
}

/** One setting: what it means, its control, where the value comes from. What is changed is sent at once. */
export function SettingField({ field, reload }: SettingFieldProps) {
  const { path, title, help, isLocked, isPending, source, where, restart } = field;
  const { draft, error, isSaved, type, apply, reset, forget } = useSettingEdit(field, reload);
  const { kind } = controlOf(field);
  const warning = warningOf(field);
  const isTyped = kind !== 'toggle' && kind !== 'choice';

  function onKeyDown(event: KeyboardEvent): void {
    if (!isTyped) return;
    if (event.key === 'Escape') forget();
    const isArea = kind === 'lines' || kind === 'yaml';
    if (event.key === 'Enter' && (!isArea || event.ctrlKey || event.metaKey) && draft !== undefined)
      void apply(draft);
  }

  return (
    <div className={styles['field']} role="group" aria-label={title}>
      <div className={styles['about']}>
        <h3>{title}</h3>
        <p className={styles['help']}>{help}</p>
        <div className={styles['path']}>
          <code>{path}</code>
          <CopyButton text={path} label={`Copy ${path}`} />
          <IconButton
            label={`Copy command for ${path}`}
            onPress={() => void copyText(cliOf(field), 'Command copied')}
          >
            <SquareTerminal />
          </IconButton>
        </div>
      </div>
      <div
        className={styles['control']}
        onKeyDown={onKeyDown}
        onBlur={() => isTyped && draft !== undefined && void apply(draft)}
      >
        <SettingInput
          field={field}
          text={draft ?? textOf(field)}
          error={error}
          onType={type}
          onChoose={(text) => void apply(text)}
        />
        {warning !== undefined && <Notice kind="warn">{warning}</Notice>}
        <div className={styles['facts']}>
          {isLocked ? (
            <Chip icon={<Lock aria-hidden />} title={where}>
              Fixed by {where}
            </Chip>
          ) : (
            <span>{wordsOf(field)}</span>
          )}
          {isPending ? (
            <Chip tone="warn">Waits for a restart</Chip>
          ) : (
            restart !== 'none' && !isLocked && <span>At the next start</span>
          )}
          {source === 'file' && (
            <Chip tone="accent" title={where}>
              Set in the file
            </Chip>
          )}
          <Saved isSaved={isSaved} />
          {source === 'file' && (
            <Button
              look="quiet"
              icon={<RotateCcw />}
              aria-label={`Reset ${title}`}
              onPress={() => void reset()}
            >
              Reset
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

/** What may be written, and what holds if nothing is. */
function wordsOf(field: SettingRow): string {
  const { kind, default: written } = field;
  const isUnset = written === 'unset';
  const fallback = written === '[]' || written === '{}' ? 'none' : written;
  switch (controlOf(field).kind) {
    case 'toggle':
      return `Default ${fallback === 'true' ? 'on' : 'off'}`;
    case 'choice':
      return isUnset ? '' : `Default ${fallback}`;
    case 'lines':
      return `One a line${kind === 'list' ? '' : `: ${kind}`}. Default ${fallback}`;
    case 'yaml':
      return `YAML: ${kind}. Default ${fallback}`;
    default:
      return `${kind.charAt(0).toUpperCase()}${kind.slice(1)}. ${isUnset ? 'Not set by default' : `Default ${fallback}`}`;
  }
}
