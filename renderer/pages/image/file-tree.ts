/** The tree of a layer, whose directories are asked for when they are opened. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { FilePage, FileRow } from '../../../registry/spec/admin/image.ts';
import { isLost, useAsk } from '../../state/calls.ts';
import { useLinkState } from '../../state/link.ts';

export interface Directory {
  readonly rows: readonly FileRow[];
  readonly total: number;
  /** Where the next page begins; absent when all of it is here. */
  readonly next?: string | undefined;
  readonly isLoading: boolean;
  readonly error?: unknown;
}

export type TreeRow =
  | { readonly kind: 'file'; readonly key: string; readonly level: number; readonly file: FileRow }
  /** Stands where rows come, are still to come, or could not be read. */
  | {
      readonly kind: 'rest';
      readonly key: string;
      readonly level: number;
      /** The directory. */
      readonly path: string;
      readonly directory: Directory;
    };

/** The open directories, from the top on, as rows. */
export function treeOf(
  directories: ReadonlyMap<string, Directory>,
  open: ReadonlySet<string>,
): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (path: string, level: number): void => {
    const directory = directories.get(path);
    for (const file of directory?.rows ?? []) {
      rows.push({ kind: 'file', key: file.path, level, file });
      if (file.type === 'directory' && open.has(file.path)) add(file.path, level + 1);
    }
    if (
      directory !== undefined &&
      (directory.isLoading || directory.next !== undefined || directory.error !== undefined)
    )
      rows.push({ kind: 'rest', key: `${path}\0rest`, level, path, directory });
  };
  add('', 1);
  return rows;
}

export interface FileTree {
  readonly rows: readonly TreeRow[];
  /** What the layer has at all; absent until the top is known. */
  readonly layer: Pick<FilePage, 'files' | 'unpackedBytes' | 'isOpaque'> | undefined;
  readonly top: Directory | undefined;
  readonly isOpen: (path: string) => boolean;
  readonly setOpen: (path: string, isOpen: boolean) => void;
  /** Reads what is missing of a directory. */
  readonly load: (path: string) => void;
}

const empty: Directory = { rows: [], total: 0, isLoading: true };

export function useFileTree(args: {
  readonly repository: string;
  readonly digest: string;
  readonly image: string;
}): FileTree {
  const { repository, digest, image } = args;
  const ask = useAsk();
  const [directories, setDirectories] = useState<ReadonlyMap<string, Directory>>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [layer, setLayer] = useState<FileTree['layer']>();
  const known = useRef(directories);
  const ending = useRef(new AbortController());

  const load = useCallback(
    async (path: string): Promise<void> => {
      const former = known.current.get(path);
      const put = (directory: Directory): void => {
        known.current = new Map(known.current).set(path, directory);
        setDirectories(known.current);
      };
      const { error: _, ...before } = former ?? empty;
      put({ ...before, isLoading: true });
      const { signal } = ending.current;
      try {
        const page = await ask(
          'layers.files',
          {
            repository,
            digest,
            image,
            path,
            limit: 500,
            ...(former?.next === undefined ? {} : { after: former.next }),
          },
          { signal },
        );
        put({ rows: [...before.rows, ...page.rows], total: page.total, next: page.next, isLoading: false });
        setLayer({ files: page.files, unpackedBytes: page.unpackedBytes, isOpaque: page.isOpaque });
      } catch (error) {
        if (!signal.aborted) put({ ...before, isLoading: false, error });
      }
    },
    [ask, repository, digest, image],
  );

  useEffect(() => {
    ending.current = new AbortController();
    void load('');
    return () => ending.current.abort();
  }, [load]);

  const isConnected = useLinkState().kind === 'open';
  useEffect(() => {
    if (!isConnected) return;
    for (const [path, { error }] of known.current) if (isLost(error)) void load(path);
  }, [isConnected, load]);

  return {
    rows: treeOf(directories, open),
    layer,
    top: directories.get(''),
    isOpen: (path) => open.has(path),
    setOpen(path, isOpen) {
      const next = new Set(open);
      if (isOpen) next.add(path);
      else next.delete(path);
      setOpen(next);
      if (isOpen && !known.current.has(path)) void load(path);
    },
    load: (path) => void load(path),
  };
}
