/** One word of a POSIX shell, whatever the text holds. */
export function quoted(text: string): string {
  return /^[\w@./:+][\w@./:+-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
