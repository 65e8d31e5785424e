import { Screen } from '../../parts/screen.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { navigate } from '../../route.ts';
import { AnonymousTab } from './anonymous.tsx';
import { TokensTab } from './tokens.tsx';
import { UsersTab } from './users.tsx';

const tabs = [
  { id: 'users', label: 'Users', content: () => <UsersTab /> },
  { id: 'tokens', label: 'Tokens', content: () => <TokensTab /> },
  { id: 'anonymous', label: 'Anonymous pull', content: () => <AnonymousTab /> },
] as const;

/** Who may come in, and what everybody may pull. */
export function AccessScreen({ tab }: { readonly tab: string | undefined }) {
  return (
    <Screen title="Access" isScrolling={false}>
      <Tabs
        label="Access"
        tabs={tabs}
        selected={tab}
        onSelect={(id) => navigate({ page: 'access', tab: id })}
      />
    </Screen>
  );
}
