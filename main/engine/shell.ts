/** One word of a POSIX shell (Shell Command Language 2.2.2, "Single-Quotes"), quoted where a character asks for it. */
export function shellWord(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
