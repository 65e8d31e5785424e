/**
 * Files of this computer. Paths come from dialogs of the system, from what was dropped, and from the command line; the page
 * gets them from the shell, and names what is to be shown by an id that the shell gave.
 */
import { z } from 'zod';

/** A file or directory that somebody wants to be imported. */
export interface GivenFile {
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** Of a file. */
  readonly bytes?: number;
}

/** Where somebody wants a file to be written. */
export interface ChosenTarget {
  /** As `files.reveal` takes it. */
  readonly id: string;
  readonly path: string;
}

export const bundleSources = ['file', 'directory', 'given'] as const;

export const filesArguments = {
  /**
   * What is to be imported: chosen in a dialog, as a file or as the directory of an OCI image layout, or `given` by itself
   * since this was asked last: dropped on window or tray, or named at a further start. Nothing where nobody chose.
   */
  'files.pickBundles': z.strictObject({ from: z.enum(bundleSources) }),
  /** Asks where to write a file; `undefined` where nobody chose. The dialog has asked before a file is replaced. */
  'files.chooseTarget': z.strictObject({ fileName: z.string().min(1).max(200) }),
  /** The download whose address ends like that asks where to; others go into the folder for downloads. */
  'files.askWhere': z.strictObject({ id: z.string().regex(/^[\w-]{1,200}$/) }),
  /** Shows a file in the folder that holds it: what was chosen as a target, or saved, by its id; `data` is the data directory. */
  'files.reveal': z.strictObject({ id: z.string().min(1).max(100) }),
} as const;

export interface FilesResults {
  'files.pickBundles': readonly GivenFile[];
  'files.chooseTarget': ChosenTarget | undefined;
  'files.askWhere': void;
  'files.reveal': { readonly isShown: boolean };
}
