/**
 * What may leave the process in a log line. Secrets are found by the name of their field and by their form in any
 * text, so that a message that quotes a request does not leak its login. Used by every sink, before the ring.
 */

import type { FieldValue, LogRecord } from '../spec/log-record.ts';

const mask = '***';
// A header block may have 32 KiB; a line of the log needs no more of it than this.
const longestText = 2048;

const secretName =
  /(?:^|[._-])(?:\w*(?:authorization|cookie|password|passwd|secret|token|csrf|signature|credentials?))$/i;
const secretParameter =
  /^(?:_state|(?:.*[._-])?(?:authorization|cookie|password|passwd|secret|token|csrf|sig|signature|credentials?))$/i;

/** Answers the record without secrets, its long texts cut. */
export function redactRecord(record: LogRecord): LogRecord {
  return { ...record, msg: redactText(record.msg), fields: redactFields(record.fields) };
}

/** Answers the fields without secrets; those that are `undefined` are gone. */
export function redactFields(
  fields: Readonly<Record<string, FieldValue>>,
): Readonly<Record<string, Exclude<FieldValue, undefined>>> {
  const kept: Record<string, Exclude<FieldValue, undefined>> = {};
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value === 'number' || typeof value === 'boolean') kept[name] = value;
    else if (name === ownId) kept[name] = value;
    else if (isSecretName(name)) kept[name] = mask;
    else kept[name] = typeof value === 'string' ? redactText(value) : value.map(redactText);
  }
  return kept;
}

/** Fields have few names, so each is judged once. */
function isSecretName(name: string): boolean {
  let isSecret = judgedNames.get(name);
  if (isSecret === undefined) {
    isSecret = secretName.test(name);
    if (judgedNames.size < 1000) judgedNames.set(name, isSecret);
  }
  return isSecret;
}

const judgedNames = new Map<string, boolean>();

/** Made here, and another one in each record. */
const ownId = 'http.request.id';

/** Without one of these no rule below can match: most texts are done with one look. */
const suspicious = /basic|bearer|berth_pat_|eyJ|@|cookie|authorization|passw|secret|token|[?&;]/i;

/** Answers the text with everything that looks like a login, a token or a signature masked. */
export function redactText(text: string): string {
  if (isHarmless(text)) return text;
  const masked = text
    .replace(/\b(Basic)\s+([A-Za-z0-9+/_-]+=*)/gi, (all: string, scheme: string, value: string) =>
      isWord(value) && !Buffer.from(value, 'base64').includes(':') ? all : `${scheme} ${mask}`,
    )
    .replace(/\b(Bearer)\s+([A-Za-z0-9._~+/-]+=*)/gi, (all: string, scheme: string, value: string) =>
      isWord(value) && value.length < 16 ? all : `${scheme} ${mask}`,
    )
    .replace(/\bberth_pat_[A-Za-z0-9_-]+/g, `berth_pat_${mask}`)
    .replace(/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, mask)
    .replace(/(:\/\/)[^\s/@"]+@/g, `$1${mask}@`)
    .replace(/\b((?:set-)?cookie|(?:proxy-)?authorization)(["']?\s*[:=]\s*["']?)[^"'\r\n]+/gi, `$1$2${mask}`)
    .replace(/\b(\w*(?:password|passwd|secret|token))(["']?\s*[:=]\s*["']?)[^\s"'&,;}]+/gi, `$1$2${mask}`)
    .replace(/\/token\?[^\s"]*/g, (query) => query.replace(/=[^&]*/g, `=${mask}`))
    .replace(/([?&;])([^=&;?\s"]+)=([^&;\s"]*)/g, (all: string, before: string, name: string) =>
      secretParameter.test(decode(name)) ? `${before}${name}=${mask}` : all,
    );
  return masked.length > longestText ? `${masked.slice(0, longestText)}…` : masked;
}

/** One look takes up to a microsecond, and hosts, clients and paths are the same in many records. */
function isHarmless(text: string): boolean {
  if (harmless.has(text)) return true;
  if (suspicious.test(text) || text.length > longestText) return false;
  if (harmless.size >= 1000) harmless.clear();
  if (text.length <= 512) harmless.add(text);
  return true;
}

const harmless = new Set<string>();

/** "Basic authentication", "Bearer token": words of a sentence, not values. */
function isWord(value: string): boolean {
  return /^[a-z]+$/.test(value);
}

/** A parameter name can hide behind percent signs. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
