/** Bytes in pieces, one behind the other. */
export type Chunks = readonly Uint8Array[];

export function lengthOf(chunks: Chunks): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** Chunks without their first bytes. */
export function dropBytes(chunks: Chunks, bytes: number): Chunks {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left < chunk.length) rest.push(left > 0 ? chunk.subarray(left) : chunk);
    left = Math.max(0, left - chunk.length);
  }
  return rest;
}
