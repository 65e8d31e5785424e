import { Screen } from '../../parts/screen.tsx';

export interface ImageProps {
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly tab: string | undefined;
}

export function ImageScreen({ repository, reference, tab }: ImageProps) {
  return <Screen title={`${repository} ${reference}`}>{tab}</Screen>;
}
