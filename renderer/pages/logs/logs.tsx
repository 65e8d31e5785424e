import { Screen } from '../../parts/screen.tsx';

export function LogsScreen() {
  return <Screen title="Logs">Nothing yet.</Screen>;
}
