import { type ReactNode, useId } from 'react';
import { Radio, RadioGroup } from './radio.tsx';
import styles from './radios.module.css';

/** One of a few, all of them in sight, each with what it means. */
export function Radios<Id extends string>({
  label,
  value,
  choices,
  onChange,
  isDisabled = false,
}: {
  readonly label: string;
  readonly value: Id;
  readonly choices: readonly {
    readonly id: Id;
    readonly label: string;
    readonly help: string;
    /** How far it is, beside the label. */
    readonly state?: ReactNode;
  }[];
  readonly onChange: (id: Id) => void;
  readonly isDisabled?: boolean;
}) {
  const legend = useId();
  return (
    <RadioGroup
      aria-labelledby={legend}
      value={value}
      onChange={(id) => onChange(id as Id)}
      isDisabled={isDisabled}
      className={styles['radios']}
    >
      <span id={legend} className={styles['legend']}>
        {label}
      </span>
      {choices.map(({ id, label: text, help, state }) => (
        <Radio key={id} value={id} className={styles['radio']}>
          <span className={styles['dot']} aria-hidden />
          <span>
            {text} {state}
            <span className={styles['help']}>{help}</span>
          </span>
        </Radio>
      ))}
    </RadioGroup>
  );
}
