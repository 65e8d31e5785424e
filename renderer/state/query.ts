import { useEffect, useMemo, useRef, useState } from 'react';
import { parseQuery, type QueriedList, type QueryProblem } from '../../registry/spec/query.ts';
import { useParam } from '../route.ts';

const longest = 180;
/** Chromium lets a page change its address 200 times in 30 seconds. */
const calmMs = 160;

export interface QueryText {
  /** As it is typed. */
  readonly text: string;
  readonly setText: (text: string) => void;
  /** The last one that means something: what lists are asked with. */
  readonly q: string;
  readonly problems: readonly QueryProblem[];
}

/** The query of a list, kept in the address. What cannot be understood changes nothing of what is shown. */
export function useQueryText(list: QueriedList): QueryText {
  const [kept, setKept] = useParam('q');
  const [text, setText] = useState(kept);
  const written = useRef(kept);
  const [q, setQ] = useState('');

  useEffect(() => {
    if (kept === written.current) return;
    // Somebody went back, or followed a link.
    written.current = kept;
    setText(kept);
  }, [kept]);
  useEffect(() => {
    if (text === kept) return undefined;
    const timer = setTimeout(() => {
      written.current = text;
      setKept(text);
    }, calmMs);
    return () => clearTimeout(timer);
  }, [text, kept, setKept]);

  const problems = useMemo(() => problemsIn(text, list), [text, list]);
  const settled = kept.trim();
  if (settled !== q && problemsIn(kept, list).length === 0) setQ(settled);
  return { text, setText, q, problems };
}

function problemsIn(text: string, list: QueriedList): readonly QueryProblem[] {
  const { problems } = parseQuery(text, list);
  if (text.length <= longest) return problems;
  return [
    ...problems,
    { start: longest, end: text.length, message: `A query has ${longest} characters at most.` },
  ];
}
