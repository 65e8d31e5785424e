/**
 * What the window may ask of the program around it, which runs as the person in front of it: one file for each subject beside
 * this one. A page in a browser has no such program, and does not offer what it would do.
 */
import type { z } from 'zod';
import { clipboardArguments, type ClipboardResults } from './clipboard.ts';
import { consentArguments, type ConsentResults } from './consent.ts';
import { dataArguments, type DataResults } from './data.ts';
import { filesArguments, type FilesResults } from './files.ts';
import { imagesArguments, type ImagesResults } from './images.ts';
import { preferencesArguments, type PreferencesResults } from './preferences.ts';
import { registryArguments, type RegistryProcessResults } from './registry.ts';
import { setupArguments, type SetupResults } from './setup.ts';
import { systemArguments, type SystemResults } from './system.ts';
import { updatesArguments, type UpdatesResults } from './updates.ts';

/** The arguments of each method. */
export const shellArguments = {
  ...clipboardArguments,
  ...consentArguments,
  ...dataArguments,
  ...filesArguments,
  ...setupArguments,
  ...imagesArguments,
  ...preferencesArguments,
  ...registryArguments,
  ...systemArguments,
  ...updatesArguments,
} as const;

export type ShellMethod = keyof typeof shellArguments;
export type ShellInput<M extends ShellMethod> = z.input<(typeof shellArguments)[M]>;

export interface ShellResults
  extends
    ClipboardResults,
    ConsentResults,
    DataResults,
    FilesResults,
    ImagesResults,
    PreferencesResults,
    RegistryProcessResults,
    SetupResults,
    SystemResults,
    UpdatesResults {}

/** What answers the methods of one subject. */
export type MethodsOf<A extends Readonly<Partial<Record<ShellMethod, z.ZodType>>>> = {
  readonly [M in keyof A & ShellMethod]: (
    args: z.output<(typeof shellArguments)[M]>,
  ) => Promise<ShellResults[M]>;
};

/** The answer of the shell, which crosses as a value: errors lose what they are otherwise. */
export type ShellReply =
  | { readonly ok: unknown }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string } };

/** What the preload script puts on the page as `berthShell`. */
export interface ShellBridge {
  invoke(method: string, args: unknown): Promise<ShellReply>;
}
