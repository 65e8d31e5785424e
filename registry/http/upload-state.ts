/**
 * The `_state` of an upload's Location: it binds the session to its repository and user, so that nobody else can
 * continue it, and survives a restart. It holds no offset: the size of the file is the truth.
 *
 *   base64url( version 1 byte | HMAC-SHA256 32 bytes | fields: 2-byte length + UTF-8 each )
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Algorithm, parseAlgorithm } from '../spec/digest.ts';

export interface UploadState {
  readonly repository: string;
  readonly id: string;
  readonly user: string;
  readonly algorithm: Algorithm;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

const version = 1;
const macLength = 32;

export function sealUploadState(secret: Uint8Array, state: UploadState): string {
  const fields = encode([state.repository, state.id, state.user, state.algorithm, String(state.startedAt)]);
  return Buffer.concat([Buffer.of(version), mac(secret, fields), fields]).toString('base64url');
}

/** Answers the state, or `undefined` when the token is malformed or was not signed with this secret. */
export function openUploadState(secret: Uint8Array, token: string): UploadState | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes[0] !== version || bytes.length < 1 + macLength) return undefined;
  const fields = bytes.subarray(1 + macLength);
  if (!timingSafeEqual(bytes.subarray(1, 1 + macLength), mac(secret, fields))) return undefined;
  const [repository = '', id = '', user = '', algorithmName = '', startedAt = ''] = decode(fields);
  const algorithm = parseAlgorithm(algorithmName);
  return algorithm === undefined
    ? undefined
    : { repository, id, user, algorithm, startedAt: Number(startedAt) };
}

/** By their bytes: to make a key of them costs five times what the HMAC does. */
const keys = new WeakMap<Uint8Array, KeyObject>();

function mac(secret: Uint8Array, fields: Uint8Array): Buffer {
  const key = keys.get(secret) ?? createSecretKey(secret);
  keys.set(secret, key);
  return createHmac('sha256', key).update(Buffer.of(version)).update(fields).digest();
}

function encode(fields: readonly string[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}

function decode(bytes: Buffer): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes.readUInt16BE(at);
    fields.push(bytes.subarray(at + 2, at + 2 + length).toString());
    at += 2 + length;
  }
  return fields;
}
