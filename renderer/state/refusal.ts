import { toast } from '../parts/toast.tsx';
import { useCall } from './calls.ts';

/** Why nothing in a repository is pushed, moved or deleted, as a sentence without its end; `undefined` where it is, or is not known yet. */
export function useRefusal(repository: string): string | undefined {
  const registry = useRegistryRefusal();
  const { data } = useCall('repositories.get', { repository }, { keepsFormer: false });
  return (
    registry ?? (data?.isReadOnly === true ? 'The repository is read-only: see its Settings' : undefined)
  );
}

/** The same of all repositories. */
export function useRegistryRefusal(): string | undefined {
  const { data: status } = useCall('status.get', {});
  return status?.isReadOnly === true ? 'The registry is read-only: see Settings, Storage' : undefined;
}

/** True where it is refused, which is said then. */
export function sayRefusal(refusal: string | undefined): boolean {
  if (refusal === undefined) return false;
  toast({ kind: 'error', text: `${refusal}.` });
  return true;
}
