import { createContext, use } from 'react';
import type { Shell } from '../api/shell.ts';

export const ShellContext = createContext<Shell | undefined>(undefined);

/** What can change this computer; `undefined` in a browser, where such acts are not offered. */
export function useShell(): Shell | undefined {
  return use(ShellContext);
}
