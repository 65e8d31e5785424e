import { Screen } from '../../parts/screen.tsx';
import { type TabEntry, Tabs } from '../../parts/tabs.tsx';
import { navigate } from '../../route.ts';
import { CleanupTab } from './cleanup-tab.tsx';
import { useHasDraft } from './draft.ts';
import { RulesTab } from './rules-tab.tsx';
import { TrashTab } from './trash-tab.tsx';
import { UsageTab } from './usage-tab.tsx';
import { VerifyTab } from './verify-tab.tsx';

const tabs: readonly TabEntry[] = [
  { id: 'usage', label: 'Usage', content: () => <UsageTab /> },
  { id: 'cleanup', label: 'Clean up', content: () => <CleanupTab /> },
  { id: 'trash', label: 'Trash', content: () => <TrashTab /> },
  { id: 'rules', label: 'Rules', content: () => <RulesTab /> },
  { id: 'verify', label: 'Verify', content: () => <VerifyTab /> },
];

export function StorageScreen({ tab }: { readonly tab: string | undefined }) {
  const hasDraft = useHasDraft();
  return (
    <Screen title="Storage" isScrolling={false}>
      <Tabs
        label="Storage"
        selected={tab}
        onSelect={(id) => navigate({ page: 'storage', tab: id })}
        tabs={
          hasDraft
            ? tabs.map((each) => (each.id === 'rules' ? { ...each, label: 'Rules (not saved)' } : each))
            : tabs
        }
      />
    </Screen>
  );
}
