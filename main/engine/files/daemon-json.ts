/**
 * dockerd's daemon.json: the two lists that a registry needs, judged more strictly than dockerd does. dockerd refuses
 * a reload for one bad entry and keeps what it had, and does not start again with such a file.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { AppError } from '../../../registry/spec/errors.ts';
import {
  addListEntry,
  findList,
  type JsonText,
  readJsonObject,
  refusal,
  removeKey,
  removeListEntry,
} from './json-edit.ts';

interface EngineVersion {
  /** As the engine says it: `20.10.24+dfsg1`; `undefined` counts as old. */
  readonly serverVersion: string | undefined;
}

interface DaemonEdit {
  readonly key: string;
  readonly entry: string;
}

/**
 * The flag of each list that is edited. No other key is: `hosts` least of all, since systemd's unit passes -H, and
 * dockerd does not start when flag and file say the same thing.
 */
const flags: ReadonlyMap<string, string> = new Map([
  ['insecure-registries', '--insecure-registry'],
  ['registry-mirrors', '--registry-mirror'],
]);

/**
 * The reason why a text is no insecure registry, as the end of a sentence (`has a scheme`); `undefined` if it is one:
 * host, host:port, [IPv6]:port, or a network. dockerd itself takes a scheme and drops it.
 */
export function checkInsecureRegistry(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > 259) return 'is longer than 259 characters';
  if (!/^[\x21-\x7e]*$/.test(text)) return 'holds a space, a control character or a letter outside of ASCII';
  if (text.includes('://')) return 'has a scheme';
  if (text.includes('*')) return 'has a wildcard';
  if (text.includes('/')) return isNetwork(text) ? undefined : 'is no network, and has a path';
  // dockerd 20.10: validateHostPort takes [::1] for a host name.
  if (text.endsWith(']')) return 'has an IPv6 address without a port';
  return checkAuthority(text);
}

/**
 * The reason why a text is no mirror, as the end of a sentence; `undefined` if it is one: an http or https URL without
 * user name, query and fragment. A path only from docker 25 on (moby pull request 46594; also in 24.0.8).
 */
export function checkMirror(text: string, { serverVersion }: EngineVersion): string | undefined {
  if (text.length > 2048) return 'is longer than 2048 characters';
  if (!/^[\x21-\x7e]*$/.test(text)) return 'holds a space, a control character or a letter outside of ASCII';
  const [, authority, path = '', rest] = /^https?:\/\/([^/?#]*)([^?#]*)(.*)$/i.exec(text) ?? [];
  if (authority === undefined) return 'is no http or https URL';
  if (rest !== '') return 'has a query or a fragment';
  if (authority.includes('@')) return 'has a user name';
  if (authority.length > 259) return 'has a host longer than 259 characters';
  const problem = checkAuthority(authority);
  if (problem !== undefined || path === '' || path === '/') return problem;
  if (majorOf(serverVersion) < 25) return 'has a path, which docker before version 25 refuses';
  return /^(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2})*$/i.test(path) ? undefined : 'has a path that is not valid';
}

/**
 * The file with an entry more, and whether the key is new in it. The same bytes when the entry is there already.
 * Throws CHANGE_REFUSED where the file cannot be edited, the key is another than the two lists, or an entry, ours or
 * one that is there, fails its check.
 */
export function planDaemonEdit(
  bytes: Uint8Array | undefined,
  path: string,
  { key, entry, serverVersion }: DaemonEdit & Partial<EngineVersion>,
): { readonly after: Uint8Array; readonly keyWasAbsent: boolean } {
  refuseOtherKeys(key, path);
  const problem = checkEntry(key, entry, { serverVersion });
  if (problem !== undefined) {
    // The entry itself is not repeated: a mirror may have a password in it.
    throw new AppError('CHANGE_REFUSED', {
      message: `The entry for "${key}" in ${path} ${problem}.`,
      hint: 'Give a host, host:port or network for an insecure registry, an http or https URL for a mirror.',
      detail: { file: path },
    });
  }
  const json = readJsonObject(bytes, path);
  refuseBadEntries(json, key, { serverVersion });
  return { after: addListEntry(json, key, entry), keyWasAbsent: findList(json, key) === undefined };
}

/**
 * Checks a file that nobody wants to edit: throws CHANGE_REFUSED where `planDaemonEdit` would refuse it for either
 * list, or where dockerd was started with a flag that the file repeats.
 */
export function checkDaemonJson(
  bytes: Uint8Array,
  path: string,
  { serverVersion, commandLine }: EngineVersion & { readonly commandLine: readonly string[] },
): void {
  const json = readJsonObject(bytes, path);
  for (const [key, flag] of flags) {
    refuseBadEntries(json, key, { serverVersion });
    if (findList(json, key) !== undefined && conflictingFlags(commandLine, key)) {
      throw refusal(json, `holds "${key}", and dockerd was started with ${flag}: it takes one of them only`);
    }
  }
}

/**
 * The contents to put in place one after the other, with a reload after each, so that an entry is gone from the file
 * and from the engine; none if it is not there. Throws CHANGE_REFUSED where the file cannot be edited.
 *
 * Two contents are needed when nothing else is in a list that was not there before: SIGHUP takes over only the keys
 * that are present (moby daemon/reload.go, IsValueSet), so an empty list comes first and the key goes afterwards.
 */
export function undoDaemonEdit(
  current: Uint8Array,
  path: string,
  { key, entry, keyWasAbsent }: DaemonEdit & { readonly keyWasAbsent: boolean },
): { readonly steps: readonly Uint8Array[] } {
  refuseOtherKeys(key, path);
  const json = readJsonObject(current, path);
  const without = removeListEntry(json, key, entry);
  if (without === json.bytes) return { steps: [] };
  const emptied = readJsonObject(without, path);
  const isEmpty = findList(emptied, key)?.length === 0;
  return { steps: isEmpty && keyWasAbsent ? [without, removeKey(emptied, key)] : [without] };
}

/**
 * True if dockerd was started with the flag of that key (`commandLine` is /proc/PID/cmdline in words). It then neither
 * reloads nor starts with a file that has the key too.
 */
export function conflictingFlags(commandLine: readonly string[], key: string): boolean {
  const flag = flags.get(key);
  return flag !== undefined && commandLine.some((word) => word === flag || word.startsWith(`${flag}=`));
}

/** True if containers survive a restart of dockerd. */
export function hasLiveRestore(json: JsonText): boolean {
  return json.value['live-restore'] === true;
}

function refuseOtherKeys(key: string, path: string): void {
  if (flags.has(key)) return;
  throw refusal(
    { path, text: '' },
    `is edited in its lists of registries only, not in ${JSON.stringify(key)}`,
  );
}

function checkEntry(key: string, entry: string, version: EngineVersion): string | undefined {
  return key === 'registry-mirrors' ? checkMirror(entry, version) : checkInsecureRegistry(entry);
}

function refuseBadEntries(json: JsonText, key: string, version: EngineVersion): void {
  for (const { string, start } of findList(json, key) ?? []) {
    const problem = checkEntry(key, string, version);
    if (problem === undefined) continue;
    throw refusal(
      json,
      `holds an entry in "${key}" that engines refuse or read differently: it ${problem}`,
      start,
    );
  }
}

function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/%]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
}

/** The reason why a text is no host, host:port, [IPv6] or [IPv6]:port. */
function checkAuthority(text: string): string | undefined {
  const [whole, ipv6, name = '', port] = /^(?:\[([^[\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text) ?? [];
  if (whole === undefined) return 'is no host with a port; an IPv6 address stands in brackets';
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) {
    return 'has a port that is not from 1 to 65535';
  }
  // A zone (%eth0) means something on one computer only.
  if (ipv6 !== undefined) {
    return isIPv6(ipv6) && !ipv6.includes('%') ? undefined : 'has no IPv6 address in its brackets';
  }
  return isIPv4(name) || isHostName(name) ? undefined : 'has no valid host name';
}

/** RFC 1123 2.1. Digits alone in the last label are an address with a slip in it. */
function isHostName(name: string): boolean {
  const labels = name.split('.');
  const isLabel = (label: string): boolean => /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(label);
  return name.length <= 253 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? '');
}

function majorOf(version: string | undefined): number {
  return Number(/^(\d+)\./.exec(version ?? '')?.[1] ?? 0);
}
