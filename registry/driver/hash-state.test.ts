import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createHashState, type Hashed, type HashKind } from './hash-state.ts';

function hashed(kind: HashKind, ...pieces: readonly Uint8Array[]): Hashed {
  const state = createHashState(kind);
  for (const piece of pieces) state.update(piece);
  return state.end();
}

const bytes = Buffer.from('bytes of a blob, some more than one block of the cipher');
const macKey = Buffer.alloc(16, 'key');

test('a code is that of GMAC', () => {
  // The tag of AES-128-GCM over nothing (The Galois/Counter Mode of Operation, appendix B, test case 1).
  assert.deepEqual(hashed({ macKey: Buffer.alloc(16) }), {
    digest: undefined,
    mac: '58e2fccefa7e3061367f1d57a4e7455a',
  });
});

test('a code is the same however the bytes are cut, and another for other bytes, their order, their number and the key', () => {
  const { mac } = hashed({ macKey }, bytes);

  for (const at of [0, 1, 16, 17, 40])
    assert.equal(hashed({ macKey }, bytes.subarray(0, at), bytes.subarray(at)).mac, mac);

  const flipped = Buffer.from(bytes);
  flipped[50] = 0;
  const others = [
    hashed({ macKey }, flipped),
    hashed({ macKey }, bytes.subarray(16), bytes.subarray(0, 16)),
    hashed({ macKey }, bytes, Buffer.of(0)),
    hashed({ macKey }),
    hashed({ macKey: Buffer.alloc(16, 'other') }, bytes),
  ];
  assert.equal(new Set([mac, ...others.map((other) => other.mac)]).size, 6);
});

test('a kind has what it asks for', () => {
  const digest = createHash('sha256').update(bytes).digest('hex');
  const { mac } = hashed({ macKey }, bytes);

  assert.deepEqual(hashed({ algorithm: 'sha256' }, bytes), { digest, mac: undefined });
  assert.deepEqual(hashed({ algorithm: 'sha256', macKey }, bytes), { digest, mac });
});
