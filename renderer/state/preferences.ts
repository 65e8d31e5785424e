/** What the reader likes, kept in this browser: no secret is here. */
import { useSyncExternalStore } from 'react';

export interface Preferences {
  readonly theme: 'system' | 'light' | 'dark';
  readonly density: 'compact' | 'normal' | 'comfortable';
  /** Single letters are shortcuts (WCAG 2.1.4). */
  readonly singleKeys: boolean;
  readonly isNavNarrow: boolean;
  /** Whose commands are copied. */
  readonly client: string;
  /** Checks of the doctor that shall not be counted, by id. */
  readonly mutedChecks: readonly string[];
  /** Repositories one below the other, or by namespace. */
  readonly repositories: 'list' | 'tree';
  /** The steps of the set-up shall not be shown by themselves. */
  readonly isSetupDismissed: boolean;
  /** Engines that nobody wants to be asked about, or told what they need, by id. */
  readonly mutedEngines: readonly string[];
  /** Engines whose login somebody did not want kept when it was asked, by id. */
  readonly refusedLogins: readonly string[];
  /** Columns that are not shown, by table. */
  readonly hiddenColumns: Readonly<Record<string, readonly string[]>>;
  /** Columns in the order that was chosen, by table. */
  readonly columnOrder: Readonly<Record<string, readonly string[]>>;
  /** Long lines of the log take several rows. */
  readonly wrapsLog: boolean;
  /** Times of the log are UTC, as in its files. */
  readonly isLogUtc: boolean;
  /** The last error of the log that was on the screen Logs, in milliseconds since the epoch. */
  readonly logSeenAt: number;
  /** What of the configuration has no effect, as far as somebody has put it away. */
  readonly knownUnheeded: readonly string[];
  /** Times are told as seen from now, or as the clock says. */
  readonly dates: 'relative' | 'absolute';
}

const fallback: Preferences = {
  theme: 'system',
  density: 'normal',
  singleKeys: true,
  isNavNarrow: false,
  client: 'docker',
  mutedChecks: [],
  repositories: 'list',
  isSetupDismissed: false,
  mutedEngines: [],
  refusedLogins: [],
  hiddenColumns: {},
  columnOrder: {},
  wrapsLog: false,
  isLogUtc: false,
  logSeenAt: 0,
  knownUnheeded: [],
  dates: 'relative',
};
const key = 'berth.preferences';
const listeners = new Set<() => void>();
let current: Preferences = read();

function read(): Preferences {
  try {
    return { ...fallback, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Preferences>) };
  } catch {
    return fallback;
  }
}

export function preferences(): Preferences {
  return current;
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  localStorage.setItem(key, JSON.stringify(current));
  applyLook();
  for (const listener of listeners) listener();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Puts theme and density on the document. */
export function applyLook(): void {
  const { theme, density } = current;
  document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme;
  document.documentElement.dataset['density'] = density;
}

dark.addEventListener('change', applyLook);
