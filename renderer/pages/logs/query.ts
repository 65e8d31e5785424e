/** What the screen is asked to show, as the address keeps it over a reload. */
import { useCallback, useMemo } from 'react';
import { type Level, levels, type Subsystem, subsystems } from '../../../registry/spec/log-record.ts';
import { type Pattern, regexPattern, textPattern } from '../../pattern.ts';
import { useParam } from '../../route.ts';
import type { LogFilter } from '../../state/log-list.ts';

export const spans = [
  { id: '', label: 'All times', ms: undefined },
  { id: '5m', label: 'From 5 minutes ago', ms: 5 * 60_000 },
  { id: '15m', label: 'From 15 minutes ago', ms: 15 * 60_000 },
  { id: '1h', label: 'From an hour ago', ms: 60 * 60_000 },
  { id: '24h', label: 'From a day ago', ms: 24 * 60 * 60_000 },
] as const;

export interface LogQuery {
  readonly level: Level;
  readonly text: string;
  readonly isRegex: boolean;
  readonly isHighlight: boolean;
  readonly sys: Subsystem | '';
  /** One of `spans`, or a time (RFC 3339). */
  readonly since: string;
  readonly until: string;
  readonly requestId: string;
  readonly showsChallenges: boolean;
  /** Why the text is no pattern. */
  readonly error: string | undefined;
  readonly pattern: Pattern | undefined;
  readonly filter: LogFilter;
  /** It hides anything. */
  readonly isNarrow: boolean;
}

export type LogParam =
  'level' | 'q' | 'regex' | 'mode' | 'sys' | 'since' | 'until' | 'request' | 'challenges';

export function useLogQuery(): readonly [LogQuery, (name: LogParam, value: string) => void] {
  const [level, setLevel] = useParam('level', 'trace');
  const [text, setText] = useParam('q');
  const [regex, setRegex] = useParam('regex');
  const [mode, setMode] = useParam('mode', 'filter');
  const [sys, setSys] = useParam('sys');
  const [since, setSince] = useParam('since');
  const [until, setUntil] = useParam('until');
  const [request, setRequest] = useParam('request');
  const [challenges, setChallenges] = useParam('challenges');
  const setters = useMemo(
    () => ({
      level: setLevel,
      q: setText,
      regex: setRegex,
      mode: setMode,
      sys: setSys,
      since: setSince,
      until: setUntil,
      request: setRequest,
      challenges: setChallenges,
    }),
    [setLevel, setText, setRegex, setMode, setSys, setSince, setUntil, setRequest, setChallenges],
  );
  const set = useCallback((name: LogParam, value: string) => setters[name](value), [setters]);
  const query = useMemo((): LogQuery => {
    const shown = levels.find((each) => each === level) ?? 'trace';
    const part = subsystems.find((each) => each === sys);
    const { pattern, error } = patternOf(text, regex === '1');
    const from = timeOf(since);
    const to = timeOf(until);
    const isHighlight = mode === 'highlight';
    return {
      level: shown,
      text,
      isRegex: regex === '1',
      isHighlight,
      sys: part ?? '',
      since,
      until,
      requestId: request,
      showsChallenges: challenges === '1',
      error,
      pattern,
      filter: {
        level: shown,
        ...(part === undefined ? {} : { sys: part }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(request === '' ? {} : { requestId: request }),
        ...(pattern === undefined ? {} : { pattern }),
        isHighlight,
        showsChallenges: challenges === '1',
      },
      isNarrow:
        shown !== 'trace' ||
        part !== undefined ||
        since !== '' ||
        until !== '' ||
        request !== '' ||
        (pattern !== undefined && !isHighlight),
    };
  }, [level, text, regex, mode, sys, since, until, request, challenges]);
  return [query, set];
}

/** A broken pattern hides nothing. */
function patternOf(
  text: string,
  isRegex: boolean,
): { readonly pattern?: Pattern; readonly error?: string | undefined } {
  if (text === '') return {};
  if (!isRegex) return { pattern: textPattern(text) };
  try {
    return { pattern: regexPattern(text) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function timeOf(text: string): number | undefined {
  const span = spans.find(({ id }) => id === text)?.ms;
  if (span !== undefined) return Date.now() - span;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** The same for the registry. */
export function serverFilterOf({ filter, text, isRegex, pattern, isHighlight }: LogQuery) {
  const { level, sys, from, to, requestId, showsChallenges } = filter;
  const source = isRegex ? text : text.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);
  return {
    level,
    ...(sys === undefined ? {} : { sys }),
    ...(from === undefined ? {} : { since: new Date(from).toISOString() }),
    ...(to === undefined ? {} : { until: new Date(to).toISOString() }),
    // All of a request is shown.
    challenges: showsChallenges || requestId !== undefined,
    ...(requestId === undefined ? {} : { requestId }),
    ...(pattern === undefined || isHighlight ? {} : { grep: `/${source}/i` }),
  };
}
