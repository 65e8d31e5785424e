/** What a start of the app is for, by its arguments: also of a second one, which the first carries out. */
export type Launch = 'open' | 'hidden' | 'start' | 'stop';

export function launchOf(args: readonly string[]): Launch {
  for (const kind of ['stop', 'start', 'hidden'] as const) if (args.includes(`--${kind}`)) return kind;
  return 'open';
}
