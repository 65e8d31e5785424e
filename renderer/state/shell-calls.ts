import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ShellInput, ShellMethod, ShellResults } from '../../main/contract/shell-api.ts';
import { AppError } from '../../registry/spec/errors.ts';
import { useShell } from './shell.ts';

/** What a method of the shell answers, asked anew whenever it is shown: no feed tells of it. Nothing in a browser. */
export function useShellCall<M extends ShellMethod>(
  method: M,
  args: ShellInput<M>,
  { isWanted = true }: { readonly isWanted?: boolean } = {},
): UseQueryResult<ShellResults[M]> {
  const shell = useShell();
  return useQuery({
    queryKey: [method, args],
    queryFn: async () => {
      if (shell === undefined) throw new AppError('NOT_RUNNING');
      return await shell.call(method, args);
    },
    enabled: shell !== undefined && isWanted,
    placeholderData: undefined,
    staleTime: 0,
  });
}
