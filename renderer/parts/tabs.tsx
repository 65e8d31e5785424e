import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { Tab, TabList, Tabs as AriaTabs } from 'react-aria-components/Tabs';
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
    <div className={styles['tabs']}>
      <AriaTabs
        className={styles['head'] ?? ''}
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
      </AriaTabs>
      {/* Beside, not within: the tabs of what is shown are not tabs of this list. */}
      {present !== undefined && <Panel key={present.id}>{present.content()}</Panel>}
    </div>
  );
}

/**
 * As TabPanel of react-aria, which looks through all that is in it whenever something is put there: the browser would lay
 * out a table anew for that, within the task that renders its rows.
 */
function Panel({ children }: { readonly children: ReactNode }) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = panel.current;
    const list = element?.parentElement?.querySelector('[role="tablist"]');
    if (element === null || list === null || list === undefined) return undefined;
    const name = (): void => {
      const tab = list.querySelector('[role="tab"][aria-selected="true"]');
      element.id = tab?.getAttribute('aria-controls') ?? '';
      element.setAttribute('aria-labelledby', tab?.id ?? '');
    };
    name();
    // The tabs may come later than what is below them.
    const observer = new MutationObserver(name);
    observer.observe(list, { subtree: true, childList: true, attributeFilter: ['aria-selected'] });
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={panel} role="tabpanel" className={styles['panel']}>
      {children}
    </div>
  );
}
