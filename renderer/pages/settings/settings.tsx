import { Screen } from '../../parts/screen.tsx';

export function SettingsScreen({ tab }: { readonly tab: string | undefined }) {
  return <Screen title="Settings"> {tab}</Screen>;
}
