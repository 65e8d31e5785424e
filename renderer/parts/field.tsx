import { ChevronDown, Search, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { Checkbox as AriaCheckbox } from 'react-aria-components/Checkbox';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { SearchField as AriaSearchField } from 'react-aria-components/SearchField';
import { Select as AriaSelect, SelectValue } from 'react-aria-components/Select';
import { Switch as AriaSwitch } from 'react-aria-components/Switch';
import { Text } from 'react-aria-components/Text';
import { TextArea } from 'react-aria-components/TextArea';
import { TextField } from 'react-aria-components/TextField';
import styles from './field.module.css';

export interface TextInputProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'password' | 'number';
  /** Under the field: what may be written, or why it cannot be. */
  readonly help?: ReactNode;
  readonly error?: string;
  readonly isCode?: boolean;
  readonly isReadOnly?: boolean;
  readonly isDisabled?: boolean;
  readonly isRequired?: boolean;
  readonly autoFocus?: boolean;
  readonly autoComplete?: string;
  readonly placeholder?: string;
  /** More than one line. */
  readonly rows?: number;
  /** Keeps the name for screen readers only. */
  readonly isLabelHidden?: boolean;
}

export function TextInput({
  label,
  value,
  onChange,
  type = 'text',
  help,
  error,
  isCode = false,
  rows,
  placeholder,
  isLabelHidden = false,
  ...rest
}: TextInputProps) {
  const className = `${styles['input']} ${isCode ? styles['code'] : ''}`;
  return (
    <TextField
      {...rest}
      {...(isLabelHidden ? { 'aria-label': label } : {})}
      type={type}
      value={value}
      onChange={onChange}
      isInvalid={error !== undefined}
      className={styles['field'] ?? ''}
    >
      {!isLabelHidden && <Label className={styles['label'] ?? ''}>{label}</Label>}
      {rows === undefined ? (
        <Input className={className} placeholder={placeholder} spellCheck={false} />
      ) : (
        <TextArea className={className} rows={rows} placeholder={placeholder} spellCheck={false} />
      )}
      {help !== undefined && (
        <Text slot="description" className={styles['help'] ?? ''}>
          {help}
        </Text>
      )}
      {error !== undefined && (
        <Text slot="errorMessage" className={styles['error'] ?? ''}>
          {error}
        </Text>
      )}
    </TextField>
  );
}

export interface SearchInputProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  /** The field that `/` goes to; one a screen. */
  readonly isMain?: boolean;
  readonly autoFocus?: boolean;
}

export function SearchInput({
  label,
  value,
  onChange,
  placeholder,
  isMain = false,
  autoFocus = false,
}: SearchInputProps) {
  return (
    <AriaSearchField
      aria-label={label}
      value={value}
      onChange={onChange}
      autoFocus={autoFocus}
      className={styles['search'] ?? ''}
    >
      <Search aria-hidden />
      <Input
        className={styles['searchInput'] ?? ''}
        placeholder={placeholder ?? label}
        spellCheck={false}
        {...(isMain ? { 'data-main-search': '' } : {})}
      />
      {value !== '' && (
        <AriaButton className={styles['clear'] ?? ''}>
          <X aria-label="Clear" />
        </AriaButton>
      )}
    </AriaSearchField>
  );
}

export interface Choice<Id extends string> {
  readonly id: Id;
  readonly label: string;
}

export interface ChooserProps<Id extends string> {
  readonly label: string;
  readonly value: Id;
  readonly choices: readonly Choice<Id>[];
  readonly onChange: (value: Id) => void;
  readonly isDisabled?: boolean;
  readonly isLabelHidden?: boolean;
}

/** One of some values. */
export function Chooser<Id extends string>({
  label,
  value,
  choices,
  onChange,
  isDisabled = false,
  isLabelHidden = false,
}: ChooserProps<Id>) {
  return (
    <AriaSelect
      {...(isLabelHidden ? { 'aria-label': label } : {})}
      isDisabled={isDisabled}
      value={value}
      onChange={(key) => onChange(key as Id)}
      className={styles['field'] ?? ''}
    >
      {!isLabelHidden && <Label className={styles['label'] ?? ''}>{label}</Label>}
      <AriaButton className={styles['select'] ?? ''}>
        <SelectValue />
        <ChevronDown aria-hidden />
      </AriaButton>
      <Popover className={styles['popover'] ?? ''}>
        <ListBox items={choices} className={styles['list'] ?? ''}>
          {(choice) => (
            <ListBoxItem id={choice.id} textValue={choice.label} className={styles['option'] ?? ''}>
              {choice.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

export interface ToggleProps {
  readonly children: ReactNode;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
  readonly isDisabled?: boolean;
  readonly isIndeterminate?: boolean;
  readonly excludeFromTabOrder?: boolean;
  readonly 'aria-label'?: string;
}

/** On or off, at once. */
export function Toggle({ children, isSelected, onChange, isDisabled = false, ...rest }: ToggleProps) {
  return (
    <AriaSwitch
      aria-label={rest['aria-label']}
      isSelected={isSelected}
      onChange={onChange}
      isDisabled={isDisabled}
      className={styles['switch'] ?? ''}
    >
      <span className={styles['rail']} />
      {children}
    </AriaSwitch>
  );
}

export function CheckboxInput({ children, ...rest }: ToggleProps) {
  return (
    <AriaCheckbox {...rest} className={styles['checkbox'] ?? ''}>
      <span className={styles['box']} aria-hidden />
      {children}
    </AriaCheckbox>
  );
}
