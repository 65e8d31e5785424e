import { type QueryClient, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { createContext, use, useCallback } from 'react';
import type { ShellInput, ShellMethod, ShellResults } from '../../main/contract/shell-api.ts';
import type { Shell } from '../api/shell.ts';

export const ShellContext = createContext<Shell | undefined>(undefined);

/** What can change this computer; `undefined` in a browser, where such acts are not offered. */
export function useShell(): Shell | undefined {
  return use(ShellContext);
}

const keyOf = (method: string): readonly string[] => ['shell', method];

/** What a method of the shell answers, asked again when the shell says that it is another; nothing in a browser. */
export function useShellCall<M extends ShellMethod>(
  method: M,
  args: ShellInput<M>,
): UseQueryResult<ShellResults[M]> {
  const shell = useShell();
  return useQuery({
    queryKey: [...keyOf(method), args],
    queryFn: () => {
      if (shell === undefined) throw new Error('outside of the desktop');
      return shell.call(method, args);
    },
    enabled: shell !== undefined,
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
    (method, args, answer) => void queries.setQueryData([...keyOf(method), args], answer),
    [queries],
  );
}

/** Follows what the shell says of its answers. */
export function watchShell(shell: Shell | undefined, queries: QueryClient): void {
  shell?.onNote((note) => {
    if (note.kind === 'changed') void queries.invalidateQueries({ queryKey: keyOf(note.method) });
  });
}
