/** What does not ride the control plane but waits for a browser to fetch it. */
import type { Offer, Tickets } from '../feed/tickets.ts';
import type { DownloadTicket } from '../spec/admin/arguments.ts';

const longestName = 200;

/** Puts bytes up, under the last part of their name. */
export function giveTicket(tickets: Tickets, offer: Offer): DownloadTicket {
  const fileName = safeName(offer.fileName);
  return { ticket: tickets.give({ ...offer, fileName }), fileName };
}

/**
 * The last part of a path of either kind, without characters that are not seen or turn the direction of writing: what
 * ends in `gpj.exe` must not look as if it ended in `exe.jpg`.
 */
function safeName(path: string): string {
  const last = path.split(/[/\\]/).findLast((part) => part !== '') ?? '';
  const name = last.replaceAll(/\p{C}/gu, '').slice(0, longestName).toWellFormed().trim();
  return /^\.*$/.test(name) ? 'download' : name;
}

/** The texts of all pages, one after the other. */
export async function* textOf(
  page: (after: string | undefined) => Promise<{ readonly text: string; readonly next?: string | undefined }>,
): AsyncGenerator<Buffer> {
  let after: string | undefined;
  do {
    const { text, next } = await page(after);
    if (text !== '') yield Buffer.from(text);
    after = next;
  } while (after !== undefined);
}

/** For names of files. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
