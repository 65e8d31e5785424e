/** Terms of a query that are put in and taken out by a press of a button. See registry/spec/query.ts for the language. */

/** True if the query has the term, as it is or denied. */
export function hasTerm(query: string, term: string): boolean {
  return termsIn(query).some((each) => each === term);
}

/** Puts the term at the end, in the place of its opposite; or takes it out. */
export function toggleTerm(query: string, term: string): string {
  const terms = termsIn(query);
  if (terms.includes(term)) return terms.filter((each) => each !== term).join(' ');
  return [...terms.filter((each) => each !== opposite(term)), term].join(' ');
}

function opposite(term: string): string {
  return term.startsWith('-') ? term.slice(1) : `-${term}`;
}

function termsIn(query: string): readonly string[] {
  return query.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}
