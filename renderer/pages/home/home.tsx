import { Screen } from '../../parts/screen.tsx';

export function HomeScreen() {
  return <Screen title="Home">Nothing yet.</Screen>;
}
