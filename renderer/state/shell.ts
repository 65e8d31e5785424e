import { type QueryClient, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { createContext, use, useCallback } from 'react';
import type { ShellInput, ShellMethod, ShellResults } from '../../main/contract/shell-api.ts';
import { AppError } from '../../registry/spec/errors.ts';
import type { Shell } from '../api/shell.ts';

export const ShellContext = createContext<Shell | undefined>(undefined);

/** What can change this computer; `undefined` in a browser, where such acts are not offered. */
export function useShell(): Shell | undefined {
  return use(ShellContext);
}

/** Where the cache keeps what a method of the shell answered. */
export const shellKey = (method: string): readonly string[] => ['shell', method];

/**
 * What a method of the shell answers, asked again when the shell says that it is another; nothing in a browser. Of what the
 * shell does not follow, `isFresh` asks whenever it is shown.
 */
export function useShellCall<M extends ShellMethod>(
  method: M,
  args: ShellInput<M>,
  { isWanted = true, isFresh = false }: { readonly isWanted?: boolean; readonly isFresh?: boolean } = {},
): UseQueryResult<ShellResults[M]> {
  const shell = useShell();
  return useQuery({
    queryKey: [...shellKey(method), args],
    queryFn: () => {
      if (shell === undefined) throw new AppError('NOT_RUNNING');
      return shell.call(method, args);
    },
    enabled: shell !== undefined && isWanted,
    ...(isFresh && { placeholderData: undefined, staleTime: 0 }),
  });
}

/** Puts an answer in the place of the one that is shown: methods that change something answer how it is then. */
export function useShellAnswer(): <M extends ShellMethod>(
  method: M,
  args: ShellInput<M>,
  answer: ShellResults[M],
) => void {
  const queries = useQueryClient();
  return useCallback(
    (method, args, answer) => void queries.setQueryData([...shellKey(method), args], answer),
    [queries],
  );
}

/** Follows what the shell says of its answers. */
export function watchShell(shell: Shell | undefined, queries: QueryClient): void {
  shell?.onNote((note) => {
    if (note.kind === 'changed') void queries.invalidateQueries({ queryKey: shellKey(note.method) });
  });
}
