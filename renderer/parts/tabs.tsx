import { type KeyboardEvent, type ReactNode, useId } from 'react';
import styles from './tabs.module.css';

export interface TabEntry {
  readonly id: string;
  readonly label: ReactNode;
  readonly content: () => ReactNode;
}

/** Panels of which one is shown. The chosen one belongs into the address: see route.ts. */
export function Tabs({
  label,
  tabs,
  selected,
  onSelect,
}: {
  readonly label: string;
  readonly tabs: readonly TabEntry[];
  /** Unknown ids show the first. */
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}) {
  const id = useId();
  const present = tabs.find((tab) => tab.id === selected) ?? tabs[0];
  return (
    <div className={styles['tabs']}>
      <div role="tablist" aria-label={label} className={styles['list']}>
        {tabs.map((tab) => {
          const isPresent = tab === present;
          return (
            <button
              key={tab.id}
              type="button"
              role="tab"
              id={`${id}${tab.id}`}
              aria-selected={isPresent}
              aria-controls={isPresent ? `${id}panel` : undefined}
              tabIndex={isPresent ? 0 : -1}
              className={styles['tab']}
              onClick={() => !isPresent && onSelect(tab.id)}
              onKeyDown={moveFocus}
            >
              {tab.label}
            </button>
          );
        })}
      </div>
      {/* Beside, not within: the tabs of what is shown are not tabs of this list. */}
      {present !== undefined && (
        <div
          key={present.id}
          role="tabpanel"
          id={`${id}panel`}
          aria-labelledby={`${id}${present.id}`}
          className={styles['panel']}
        >
          {present.content()}
        </div>
      )}
    </div>
  );
}

/** The arrows lead from tab to tab, round and round; Enter or Space chooses one (WAI-ARIA, "Tabs Pattern"). */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const tabs = [...(event.currentTarget.parentElement?.children ?? [])];
  const at = tabs.indexOf(event.currentTarget);
  const places: Readonly<Record<string, number>> = {
    ArrowRight: (at + 1) % tabs.length,
    ArrowLeft: (at + tabs.length - 1) % tabs.length,
    Home: 0,
    End: tabs.length - 1,
  };
  const next = tabs[places[event.key] ?? -1];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
