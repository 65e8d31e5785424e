import { useEffect, useRef, useState } from 'react';
import type { GivenFile } from '../../../main/contract/files.ts';
import type { BundleRow } from '../../../registry/spec/admin/transfer.ts';
import { AppError } from '../../../registry/spec/errors.ts';
import { formatBytes } from '../../format.ts';
import { useAsk } from '../../state/calls.ts';
import { useLink } from '../../state/link.ts';

/** A file of this computer by its path, or as a browser has it, which has to send it. */
export type ImportSource =
  { readonly kind: 'path'; readonly given: GivenFile } | { readonly kind: 'file'; readonly file: File };

/** What the control plane reads: see `bundles.inspect`. */
type BundlePlace = { readonly path: string } | { readonly upload: string };

export interface ReadBundle {
  readonly kind: 'read';
  readonly row: BundleRow;
  readonly place: BundlePlace;
}

export type BundleState =
  /** In bytes. */
  | { readonly kind: 'sending'; readonly done: number; readonly total: number }
  | { readonly kind: 'reading' }
  | ReadBundle
  | { readonly kind: 'failed'; readonly error: unknown };

export interface OpenBundle {
  readonly state: BundleState;
  /** Keeps what was sent for an import, which says at its end whether it is to be let go. */
  readonly hold: () => (isOver: boolean) => Promise<void>;
}

/** Says what a file holds; what was sent is let go with the dialog, unless an import has it. */
export function useBundle(source: ImportSource | undefined): OpenBundle {
  const ask = useAsk();
  const link = useLink();
  const [known, setKnown] = useState<{ readonly of?: ImportSource; readonly state: BundleState }>({
    state: { kind: 'reading' },
  });
  const sent = useRef<string>(undefined);

  useEffect(() => {
    if (source === undefined) return undefined;
    const ending = new AbortController();
    const { signal } = ending;
    const setState = (state: BundleState): void => setKnown({ of: source, state });
    async function send(file: File): Promise<BundlePlace> {
      const { disk } = await ask('status.get', {}, { signal });
      const room = disk.freeBytes === undefined ? undefined : disk.freeBytes - (disk.reserveBytes ?? 0);
      if (room !== undefined && room < file.size) {
        throw new AppError('STORAGE_FULL', {
          message: `The file has ${formatBytes(file.size)}, and the disk of the registry has room for ${formatBytes(Math.max(0, room))}.`,
        });
      }
      const progress = (done: number): void => setState({ kind: 'sending', done, total: file.size });
      progress(0);
      const upload = await link.upload(file, { signal, progress });
      sent.current = upload;
      return { upload };
    }
    async function read(from: ImportSource): Promise<void> {
      try {
        const place = from.kind === 'path' ? { path: from.given.path } : await send(from.file);
        setState({ kind: 'reading' });
        setState({ kind: 'read', place, row: await ask('bundles.inspect', place, { signal }) });
      } catch (error) {
        if (!signal.aborted) setState({ kind: 'failed', error });
      }
    }
    void read(source);
    return () => {
      ending.abort();
      const upload = sent.current;
      sent.current = undefined;
      // What is not discarded goes by itself an hour later.
      if (upload !== undefined) void ask('bundles.discard', { upload }).catch(() => undefined);
    };
  }, [ask, link, source]);

  return {
    // What is known of another file says nothing of this one.
    state: known.of === source ? known.state : { kind: 'reading' },
    hold() {
      const upload = sent.current;
      sent.current = undefined;
      return async (isOver) => {
        if (!isOver) sent.current = upload;
        else if (upload !== undefined) await ask('bundles.discard', { upload }).catch(() => undefined);
      };
    },
  };
}
