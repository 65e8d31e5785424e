import { Screen } from '../../parts/screen.tsx';

export function ActivityScreen() {
  return <Screen title="Activity">Nothing yet.</Screen>;
}
