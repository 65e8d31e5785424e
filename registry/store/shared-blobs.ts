/**
 * Blobs that several clients pull at once: a cluster starts, a team's builds begin. They are read and hashed once, whole,
 * and sent to all of them from memory: bytes that were verified and do not change. Whoever is alone streams his blob.
 *
 *   join         alone: nothing is shared         a second one: the blob is loaded, and kept for who joins
 *   last leaves  the bytes stay for a moment, then the memory is given back
 */

export interface SharedBlobs {
  /**
   * Joins those who send a blob, until it is disposed. `bytes` is absent for who is alone, for large blobs, and where
   * there is no room. Fails with what `load` fails with, which is called at most once for all who wait.
   */
  join(
    blob: { readonly digest: string; readonly size: number },
    load: () => Promise<Uint8Array>,
  ): Promise<Disposable & { readonly bytes: Uint8Array | undefined }>;
}

export interface SharedBlobsOptions {
  /** The largest blob that is shared, in bytes. */
  readonly most?: number;
  /** What all of them hold together, in bytes. */
  readonly total?: number;
  /** How long bytes stay that nobody sends, in milliseconds. */
  readonly restMs?: number;
}

interface Entry {
  readonly size: number;
  readonly bytes: Promise<Uint8Array>;
  /** When the last one left; a clock that nobody sets. */
  restsSince: number;
}

const MiB = 1024 * 1024;

export function createSharedBlobs({
  most = 8 * MiB,
  total = 32 * MiB,
  restMs = 5000,
}: SharedBlobsOptions = {}): SharedBlobs {
  /** How many send the blob now. */
  const senders = new Map<string, number>();
  /** The one that was asked for last is the last. */
  const entries = new Map<string, Entry>();
  let held = 0;
  let timer: NodeJS.Timeout | undefined;

  async function join(
    { digest, size }: { readonly digest: string; readonly size: number },
    load: () => Promise<Uint8Array>,
  ): ReturnType<SharedBlobs['join']> {
    const others = senders.get(digest) ?? 0;
    senders.set(digest, others + 1);
    const leave = (): void => {
      const left = (senders.get(digest) ?? 1) - 1;
      if (left > 0) senders.set(digest, left);
      else senders.delete(digest);
      const entry = entries.get(digest);
      if (left > 0 || entry === undefined) return;
      entry.restsSince = performance.now();
      timer ??= setTimeout(drop, restMs).unref();
    };
    try {
      const entry =
        found(digest, size) ?? (others > 0 && size <= most ? make(digest, size, load) : undefined);
      return { bytes: await entry?.bytes, [Symbol.dispose]: leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  function found(digest: string, size: number): Entry | undefined {
    const entry = entries.get(digest);
    // What is on the disk has another length: whoever reads it finds out why.
    if (entry?.size !== size) return undefined;
    entries.delete(digest);
    entries.set(digest, entry);
    return entry;
  }

  function make(digest: string, size: number, load: () => Promise<Uint8Array>): Entry | undefined {
    if (entries.has(digest)) return undefined;
    for (const [other, entry] of entries) {
      if (held + size <= total) break;
      if (!senders.has(other)) forget(other, entry);
    }
    if (held + size > total) return undefined;
    const entry: Entry = { size, bytes: load(), restsSince: performance.now() };
    entries.set(digest, entry);
    held += size;
    entry.bytes.catch(() => forget(digest, entry));
    return entry;
  }

  function forget(digest: string, entry: Entry): void {
    if (entries.get(digest) !== entry) return;
    entries.delete(digest);
    held -= entry.size;
  }

  function drop(): void {
    const before = performance.now() - restMs;
    for (const [digest, entry] of entries) {
      if (!senders.has(digest) && entry.restsSince <= before) forget(digest, entry);
    }
    timer = entries.size > 0 ? setTimeout(drop, restMs).unref() : undefined;
  }

  return { join };
}
