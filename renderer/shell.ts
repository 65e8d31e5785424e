/** Command lines that people copy. */

/** One word of a POSIX shell (Shell Command Language 2.2.2, "Single-Quotes"), quoted where a character asks for it. */
export function shellWord(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A command line of words, quoted where they need it. */
export function shellLine(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
