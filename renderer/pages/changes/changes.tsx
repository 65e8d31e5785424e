import { Screen } from '../../parts/screen.tsx';

export function ChangesScreen() {
  return <Screen title="System changes">Nothing yet.</Screen>;
}
