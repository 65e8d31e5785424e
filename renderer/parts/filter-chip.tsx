import type { ReactNode } from 'react';
import { hasTerm, toggleTerm } from '../query-terms.ts';
import type { QueryText } from '../state/query.ts';
import styles from './filter-chip.module.css';

/** Narrows a list while it is pressed. */
export function FilterChip({
  children,
  isSelected,
  onChange,
}: {
  readonly children: ReactNode;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
}) {
  return (
    <button
      type="button"
      aria-pressed={isSelected}
      className={styles['chip']}
      onClick={() => onChange(!isSelected)}
    >
      {children}
    </button>
  );
}

/** Chips that put a term into a query, and take it out. */
export function TermChips({
  query,
  terms,
}: {
  readonly query: QueryText;
  readonly terms: readonly (readonly [label: string, term: string])[];
}) {
  return (
    <div role="group" aria-label="Narrow" className={styles['chips']}>
      {terms.map(([label, term]) => (
        <FilterChip
          key={term}
          isSelected={hasTerm(query.text, term)}
          onChange={() => query.setText(toggleTerm(query.text, term))}
        >
          {label}
        </FilterChip>
      ))}
    </div>
  );
}
