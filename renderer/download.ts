/** Gives the reader a text, whole or in parts, as a file. */
export function downloadText(name: string, text: string | readonly string[], type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob(typeof text === 'string' ? [text] : [...text], { type }));
  downloadFrom(url, name);
  // The browser has taken the bytes over by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Gives the reader what an address of our own answers as a file; its name is said there where none is given. */
export function downloadFrom(url: string, name = ''): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}
