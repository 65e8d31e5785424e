/** Lines taken out of the window: into the clipboard, and into files. */
import { formatPlural } from '../../format.ts';
import { copyText } from '../../parts/copy.tsx';
import { downloadText } from '../../download.ts';
import { toast } from '../../parts/toast.tsx';
import { type LogEntry, lineOf } from '../../state/log-list.ts';

const linesATime = 1000;

/** The lines as text, each with its end; made in pieces, for 50,000 of them take longer than a frame. */
async function textOf(entries: readonly LogEntry[], format: 'text' | 'json'): Promise<string[]> {
  const parts: string[] = [];
  for (let at = 0; at < entries.length; at += linesATime) {
    if (at > 0) await nextTask();
    parts.push(
      entries
        .slice(at, at + linesATime)
        .map((entry) => `${lineOf(entry, format)}\n`)
        .join(''),
    );
  }
  return parts;
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}

export async function copyLines(entries: readonly LogEntry[]): Promise<void> {
  if (entries.length === 0) return toast({ text: 'There is no line to copy' });
  await copyText((await textOf(entries, 'text')).join(''), `${formatPlural(entries.length, 'line')} copied`);
}

export async function saveLines(
  entries: readonly LogEntry[],
  format: 'text' | 'json',
  asks: boolean,
): Promise<void> {
  const isJson = format === 'json';
  const moment = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  downloadText(`berth-${moment}.${isJson ? 'ndjson' : 'log'}`, await textOf(entries, format), {
    type: isJson ? 'application/x-ndjson' : 'text/plain',
    asks,
  });
  // Whether a dialog was answered is told by the desktop.
  if (!asks) toast({ text: `${formatPlural(entries.length, 'line')} saved` });
}
