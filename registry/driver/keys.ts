/** The grammar of keys, shared by the drivers and the decorator that checks them. */

const segment = /^[A-Za-z0-9._-]+$/;

/** True for one segment of a key. */
export function isSegment(name: string): boolean {
  return segment.test(name) && name !== '.' && name !== '..';
}

/** True for a whole key, or a prefix that is not the top. */
export function isKey(key: string): boolean {
  return key.split('/').every(isSegment);
}
