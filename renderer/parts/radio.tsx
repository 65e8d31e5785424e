import { createContext, type ReactNode, use, useId } from 'react';
import fields from './field.module.css';

interface Choice {
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isDisabled: boolean;
}

const ChoiceContext = createContext<Choice>({
  name: '',
  value: '',
  onChange: () => undefined,
  isDisabled: true,
});

export interface RadioGroupProps {
  readonly 'aria-label'?: string;
  readonly 'aria-labelledby'?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isDisabled?: boolean;
  readonly className: string | undefined;
  readonly children: ReactNode;
}

/** One of some values, all of which are seen. */
export function RadioGroup({ value, onChange, isDisabled = false, ...rest }: RadioGroupProps) {
  const name = useId();
  return (
    <ChoiceContext value={{ name, value, onChange, isDisabled }}>
      <div role="radiogroup" {...rest} />
    </ChoiceContext>
  );
}

export interface RadioProps {
  readonly value: string;
  readonly className: string | undefined;
  readonly children: ReactNode;
}

/** A value of a `RadioGroup`. The label is styled by `:has(:checked)`. */
export function Radio({ value, className, children }: RadioProps) {
  const { name, value: chosen, onChange, isDisabled } = use(ChoiceContext);
  return (
    <label className={`${fields['choice']} ${className}`}>
      <input
        type="radio"
        className={fields['native']}
        name={name}
        checked={value === chosen}
        disabled={isDisabled}
        onChange={() => onChange(value)}
      />
      {children}
    </label>
  );
}
