/** The access log: one line per request, in Apache's combined format or as JSON. */

import { formatDuration } from '../spec/duration.ts';
import { escapeControls, formatJson, quote } from '../spec/log-line.ts';
import type { FieldValue } from '../spec/log-record.ts';
import { redactFields, redactText } from './redact.ts';

/** What is known of a finished request. */
export interface AccessEntry {
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string;
  /** The address of the client, with or without a port. */
  readonly remoteAddress: string;
  /** The user whose login was accepted. */
  readonly user?: string | undefined;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  readonly httpVersion: string;
  readonly host?: string | undefined;
  readonly referer?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly status: number;
  readonly bytesSent: number;
  readonly contentType?: string | undefined;
  readonly durationMs: number;
}

/** Answers the line with its line feed, redacted. */
export function accessLine(entry: AccessEntry, format: 'combined' | 'json'): string {
  return format === 'combined' ? combined(entry) : json(entry);
}

/** https://httpd.apache.org/docs/2.4/logs.html#combined, quoted as distribution does. */
function combined(entry: AccessEntry): string {
  const { at, remoteAddress, user, method, uri, httpVersion, status, bytesSent, referer, userAgent } = entry;
  const request = quote(redactText(`${method} ${uri} HTTP/${httpVersion}`));
  const from = referer === undefined ? '""' : quote(redactText(referer));
  const agent = userAgent === undefined ? '""' : quote(redactText(userAgent));
  const address = escapeControls(withoutPort(remoteAddress));
  return `${address} - ${userColumn(user)} [${apacheTime(at)}] ${request} ${String(status)} ${String(bytesSent)} ${from} ${agent}\n`;
}

function json(entry: AccessEntry): string {
  const fields: Record<string, FieldValue> = {
    'http.request.id': entry.requestId,
    'http.request.host': entry.host,
    'http.request.method': entry.method,
    'http.request.remoteaddr': entry.remoteAddress,
    'http.request.uri': entry.uri,
    'http.request.referer': entry.referer,
    'http.request.useragent': entry.userAgent,
    'http.response.status': entry.status,
    'http.response.written': entry.bytesSent,
    'http.response.contenttype': entry.contentType,
    'http.response.duration': formatDuration(entry.durationMs),
    'auth.user.name': entry.user,
  };
  return formatJson({ ...redactFields(fields), time: new Date(entry.at).toISOString() });
}

/** A user name may hold spaces and quotes, which would shift the columns. */
function userColumn(user: string | undefined): string {
  if (user === undefined || user === '') return '-';
  return escapeControls(redactText(user)).replace(
    /[\s"]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function withoutPort(address: string): string {
  if (!address.includes(':')) return address;
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^[^:]+:\d+$/.test(address) ? address.slice(0, address.indexOf(':')) : address;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The time of the last line: many fall into one second. */
let lastSecond = { second: Number.NaN, text: '' };

function apacheTime(at: number): string {
  const second = Math.floor(at / 1000);
  if (lastSecond.second !== second) {
    const [year = '', month = '', day = '', time = ''] = new Date(at).toISOString().split(/[-T.]/);
    const text = `${day}/${months[Number(month) - 1] ?? month}/${year}:${time} +0000`;
    lastSecond = { second, text };
  }
  return lastSecond.text;
}
