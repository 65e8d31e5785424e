import { Screen } from '../../parts/screen.tsx';

export interface CompareProps {
  readonly repository: string;
  readonly a: string;
  readonly b: string;
}

export function CompareScreen({ repository, a, b }: CompareProps) {
  return (
    <Screen title={repository}>
      {a} {b}
    </Screen>
  );
}
