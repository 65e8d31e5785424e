import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components/Tabs';
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
  const present = tabs.find((tab) => tab.id === selected) ?? tabs[0];
  return (
    <AriaTabs
      className={styles['tabs'] ?? ''}
      selectedKey={present?.id}
      onSelectionChange={(key) => String(key) !== present?.id && onSelect(String(key))}
      keyboardActivation="manual"
    >
      <TabList aria-label={label} className={styles['list'] ?? ''}>
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className={styles['tab'] ?? ''}>
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {present !== undefined && (
        <TabPanel key={present.id} id={present.id} className={styles['panel'] ?? ''}>
          {present.content()}
        </TabPanel>
      )}
    </AriaTabs>
  );
}
