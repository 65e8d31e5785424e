import { AppError } from '../../../registry/spec/errors.ts';

/** Reads headers, one `Name: value` a line. Throws USAGE that names the line, and not what it holds. */
export function parseHeaders(text: string): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, name, value] = /^\s*([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new AppError('USAGE', {
        message: `The arguments of headers do not fit: headers: line ${at + 1} is not "Name: value".`,
      });
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}
