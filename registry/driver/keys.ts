/** The grammar of keys, shared by the drivers and the decorator that checks them. */

const segment = /^[A-Za-z0-9._-]+$/;
const key = /^(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;

/** True for one segment of a key. */
export function isSegment(name: string): boolean {
  return segment.test(name) && name !== '.' && name !== '..';
}

/** True for a whole key, or a prefix that is not the top. */
export function isKey(text: string): boolean {
  return key.test(text);
}
