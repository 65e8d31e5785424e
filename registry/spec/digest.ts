import type { Branded } from './names.ts';

/** The digest algorithms this registry stores. */
export const algorithms = ['sha256', 'sha512'] as const;
export type Algorithm = (typeof algorithms)[number];

/** `sha256:` + 64 or `sha512:` + 128 lower-case hexadecimal digits (OCI image-spec, "Digests"). */
export type Digest = Branded<'Digest'>;

const digest = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Answers the digest, or `undefined` if the text is not one of the two registered forms. */
export function parseDigest(text: string): Digest | undefined {
  return digest.test(text) ? (text as Digest) : undefined;
}

/** Answers the algorithm, or `undefined` if it is not one that is stored. */
export function parseAlgorithm(text: string): Algorithm | undefined {
  return algorithms.find((known) => known === text);
}

/** Splits a digest into its algorithm and its hexadecimal part. */
export function digestParts(value: Digest): { readonly algorithm: Algorithm; readonly hex: string } {
  return value.startsWith('sha256:')
    ? { algorithm: 'sha256', hex: value.slice(7) }
    : { algorithm: 'sha512', hex: value.slice(7) };
}

/** The digests of zero bytes: a blob that exists without being uploaded in pieces. */
export const emptyDigests: Readonly<Record<Algorithm, Digest>> = {
  sha256: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as Digest,
  sha512:
    'sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e' as Digest,
};
