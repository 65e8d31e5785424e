import { AppError } from '../spec/errors.ts';

/** The error for a bundle that cannot be used, naming the member of it that is wrong. */
export function invalidBundle(member: string, what: string, cause?: unknown): AppError {
  return new AppError('BUNDLE_INVALID', {
    message: `The bundle cannot be imported: ${shown(member)} ${what}.`,
    cause,
  });
}

/** Text of a stranger as it may stand in a sentence. */
export function shown(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return line.length <= 200 ? line : `${line.slice(0, 197)}...`;
}

/** The value of a small document of a bundle; `undefined` fields where it is no object. */
export function parseJson(name: string, bytes: Buffer): unknown {
  try {
    return (JSON.parse(bytes.toString('utf8')) as unknown) ?? {};
  } catch (error) {
    throw invalidBundle(name, 'is not JSON', error);
  }
}
