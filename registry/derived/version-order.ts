import { semverKey } from '../store/tags.ts';

/**
 * A key whose byte order, from the end, is that in which people look for a version: `latest`, versions with the newest
 * first, then other tags from `a` on, numbers in them compared as numbers.
 */
export function versionOrderKey(tag: string): string {
  if (tag === 'latest') return '2';
  const key = semverKey(tag);
  return key.startsWith('1')
    ? key
    : `0${mirrored(tag.replace(/\d+/g, (digits) => digits.padStart(15, '0')))}`;
}

/** Letters of tags with `z` and `-` changing places, and so on; the end stands behind every letter. */
function mirrored(text: string): string {
  return `${Array.from(text, (letter) => String.fromCodePoint(0xa7 - (letter.codePointAt(0) ?? 0))).join('')}~`;
}
