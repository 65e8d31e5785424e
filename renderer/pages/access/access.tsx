import { Screen } from '../../parts/screen.tsx';

export function AccessScreen({ tab }: { readonly tab: string | undefined }) {
  return <Screen title="Access"> {tab}</Screen>;
}
