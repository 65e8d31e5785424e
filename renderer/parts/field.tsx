import { ChevronDown, Search, X } from 'lucide-react';
import { type FormEvent, type ReactNode, useId } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { Label } from 'react-aria-components/Label';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Select as AriaSelect, SelectValue } from 'react-aria-components/Select';
import styles from './field.module.css';
import { useSearchText } from './search-text.ts';

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
  isReadOnly,
  isDisabled,
  isRequired,
  rows,
  isLabelHidden = false,
  ...rest
}: TextInputProps) {
  const id = useId();
  const told = [help !== undefined && `${id}help`, error !== undefined && `${id}error`].filter(Boolean);
  const props = {
    ...rest,
    id,
    value,
    'aria-label': isLabelHidden ? label : undefined,
    'aria-describedby': told.length === 0 ? undefined : told.join(' '),
    'aria-invalid': error === undefined ? undefined : true,
    readOnly: isReadOnly,
    disabled: isDisabled,
    required: isRequired,
    spellCheck: false,
    className: `${styles['input']} ${isCode ? styles['code'] : ''}`,
    onChange: (event: { readonly target: { readonly value: string } }) => onChange(event.target.value),
    onInvalid: showFirstInvalid,
  };
  return (
    <div className={styles['field']}>
      {!isLabelHidden && (
        <label htmlFor={id} className={styles['label']}>
          {label}
        </label>
      )}
      {rows === undefined ? <input {...props} type={type} /> : <textarea {...props} rows={rows} />}
      {help !== undefined && (
        <span id={`${id}help`} className={styles['help']}>
          {help}
        </span>
      )}
      {error !== undefined && (
        <span id={`${id}error`} className={styles['error']}>
          {error}
        </span>
      )}
    </div>
  );
}

/** The focus says what is missing; the bubble of the browser is in its own language and look. */
function showFirstInvalid(event: FormEvent<HTMLInputElement | HTMLTextAreaElement>): void {
  event.preventDefault();
  const field = event.currentTarget;
  if (field.form?.querySelector('input:invalid, textarea:invalid') === field) field.focus();
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
  const search = useSearchText(value, onChange);
  return (
    <div className={styles['search']}>
      <Search aria-hidden />
      <input
        {...search.input}
        aria-label={label}
        autoFocus={autoFocus}
        className={styles['searchInput']}
        placeholder={placeholder ?? label}
        {...(isMain ? { 'data-main-search': '' } : {})}
      />
      {value !== '' && (
        <button {...search.clear} className={styles['clear']}>
          <X aria-hidden />
        </button>
      )}
    </div>
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
export function Toggle({ children, ...rest }: ToggleProps) {
  return (
    <label className={`${styles['choice']} ${styles['switch']}`}>
      <NativeCheckbox {...rest} isSwitch />
      <span className={styles['rail']} />
      {children}
    </label>
  );
}

export function CheckboxInput({ children, ...rest }: ToggleProps) {
  return (
    <label className={`${styles['choice']} ${styles['checkbox']}`}>
      <NativeCheckbox {...rest} />
      <span className={styles['box']} aria-hidden />
      {children}
    </label>
  );
}

/** The element that has the state and the focus; what is seen stands beside it. */
function NativeCheckbox({
  isSelected,
  onChange,
  isDisabled,
  isIndeterminate = false,
  excludeFromTabOrder = false,
  isSwitch = false,
  ...rest
}: Omit<ToggleProps, 'children'> & { readonly isSwitch?: boolean }) {
  return (
    <input
      {...rest}
      ref={(element) => {
        if (element !== null) element.indeterminate = isIndeterminate;
      }}
      type="checkbox"
      role={isSwitch ? 'switch' : undefined}
      className={styles['native']}
      checked={isSelected}
      disabled={isDisabled}
      tabIndex={excludeFromTabOrder ? -1 : undefined}
      onChange={(event) => onChange(event.target.checked)}
    />
  );
}
