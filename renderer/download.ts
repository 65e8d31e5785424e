import { findShell } from './api/shell.ts';

export interface SaveOptions {
  /** A dialog of the system asks where to; only the desktop has one. Else a file goes where downloads go. */
  readonly asks?: boolean;
}

/** Gives the reader a text, whole or in parts, as a file. */
export function downloadText(
  name: string,
  text: string | readonly string[],
  { type = 'text/plain', ...options }: SaveOptions & { readonly type?: string } = {},
): void {
  const url = URL.createObjectURL(new Blob(typeof text === 'string' ? [text] : [...text], { type }));
  downloadFrom(url, name, options);
  // The browser has taken the bytes over by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Gives the reader what an address of our own answers as a file; its name is said there where none is given. */
export function downloadFrom(url: string, name = '', { asks = false }: SaveOptions = {}): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  // The last part is the ticket, or what the browser made for a text: no other has it.
  const asked = asks ? findShell()?.call('files.askWhere', { id: url.split('/').at(-1) ?? '' }) : undefined;
  if (asked === undefined) link.click();
  else
    asked.then(
      () => link.click(),
      () => link.click(),
    );
}
