import { Screen } from '../../parts/screen.tsx';

export function DoctorScreen() {
  return <Screen title="Doctor">Nothing yet.</Screen>;
}
