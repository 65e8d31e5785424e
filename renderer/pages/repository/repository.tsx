import { Screen } from '../../parts/screen.tsx';

export interface RepositoryProps {
  readonly repository: string;
  readonly tab: string | undefined;
}

export function RepositoryScreen({ repository, tab }: RepositoryProps) {
  return <Screen title={repository}>{tab}</Screen>;
}
