import { Screen } from '../../parts/screen.tsx';

export function StorageScreen({ tab }: { readonly tab: string | undefined }) {
  return <Screen title="Storage"> {tab}</Screen>;
}
