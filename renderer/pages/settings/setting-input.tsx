import type { SettingRow } from '../../../registry/spec/admin/settings.ts';
import { Chooser, TextInput, Toggle } from '../../parts/field.tsx';
import { controlOf } from './form.ts';
import styles from './settings.module.css';

export interface SettingInputProps {
  readonly field: SettingRow;
  readonly text: string;
  readonly error: string | undefined;
  /** While somebody writes. */
  readonly onType: (text: string) => void;
  /** Where one act is the whole change. */
  readonly onChoose: (text: string) => void;
}

/** The control of a setting, by the kind of its value. */
export function SettingInput({ field, text, error, onType, onChoose }: SettingInputProps) {
  const { title, isLocked: isDisabled, schema } = field;
  const control = controlOf(field);
  switch (control.kind) {
    case 'toggle':
      return (
        <>
          <Toggle
            aria-label={title}
            isSelected={text === 'true'}
            isDisabled={isDisabled}
            onChange={(isOn) => onChoose(String(isOn))}
          >
            {text === 'true' ? 'On' : 'Off'}
          </Toggle>
          <ErrorLine error={error} />
        </>
      );
    case 'choice':
      return (
        <>
          <Chooser
            label={title}
            isLabelHidden
            value={text === '' ? unset : text}
            choices={[
              ...(schema['default'] === undefined ? [{ id: unset, label: 'Not set' }] : []),
              ...control.values.map((id) => ({ id, label: id })),
            ]}
            isDisabled={isDisabled}
            onChange={(id) => onChoose(id === unset ? '' : id)}
          />
          <ErrorLine error={error} />
        </>
      );
    default: {
      const isArea = control.kind === 'lines' || control.kind === 'yaml';
      return (
        <TextInput
          label={title}
          isLabelHidden
          value={text}
          onChange={onType}
          error={error}
          isCode
          isDisabled={isDisabled}
          autoComplete={control.kind === 'secret' ? 'new-password' : 'off'}
          type={control.kind === 'secret' ? 'password' : 'text'}
          placeholder={placeholderOf(field, control.kind)}
          {...(isArea ? { rows: Math.min(10, Math.max(2, text.split('\n').length)) } : {})}
        />
      );
    }
  }
}

/** A key that no value has. */
const unset = '\0';

function placeholderOf({ value, default: fallback }: SettingRow, kind: string): string {
  if (kind === 'secret') return value === undefined ? 'Not set' : 'Set, and never shown';
  return kind === 'text' ? fallback : '';
}

function ErrorLine({ error }: { readonly error: string | undefined }) {
  return (
    error !== undefined && (
      <p className={styles['error']} role="alert">
        {error}
      </p>
    )
  );
}
