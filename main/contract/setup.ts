/** The set-up of the first start: what is done, whether an engine can push, and the first password. */
import { z } from 'zod';

export interface SetupFacts {
  /** Done, or put away by the person. */
  readonly isSetUp: boolean;
  /** The person has allowed to look at the images of engines. */
  readonly mayListImages: boolean;
  /** Of the first user; absent where there was none, or where it was forgotten. */
  readonly password?: FirstPassword;
}

export interface FirstPassword {
  readonly user: string;
  /** Encrypted by a key of the system's keychain, or as text in a file of the owner alone. */
  readonly keptIn: { readonly kind: 'keychain' } | { readonly kind: 'file'; readonly path: string };
}

/** One thing that has to be so before an engine can push. */
export interface Tick {
  /** `unknown`: nothing was asked, because something before it is missing, or because the engine cannot be asked. */
  readonly state: 'yes' | 'no' | 'unknown';
  /** Why not, or how it is known. */
  readonly said?: string;
  /** What to do about it. */
  readonly fix?: string;
}

export interface EngineTicks {
  /** The engine finds what computer the name in its address means. */
  readonly resolved: Tick;
  /** It gets an answer there. */
  readonly reached: Tick;
  /** It accepts the certificate. */
  readonly trusted: Tick;
  /** Its client has a login that the registry admits. */
  readonly loggedIn: Tick;
  /** It has pushed a tiny image and pulled it again; absent where that was not asked for. */
  readonly pulled?: Tick;
}

export const setupArguments = {
  'setup.get': z.strictObject({}),
  /** Whether the set-up is shown by itself, here and in the tray. */
  'setup.set': z.strictObject({ isSetUp: z.boolean() }),
  /** Tries from the side of an engine what a push needs; with `pulls` by a tiny image that is gone afterwards. */
  'setup.prove': z.strictObject({ engine: z.string().min(1).max(300), pulls: z.boolean().default(false) }),
  /** The first password itself: only ever on the person's own asking. FILE_UNKNOWN where it is not kept. */
  'password.reveal': z.strictObject({}),
  /** Deletes what is kept of it; the user keeps the password. */
  'password.forget': z.strictObject({}),
} as const;

export interface SetupResults {
  'setup.get': SetupFacts;
  'setup.set': void;
  'setup.prove': EngineTicks;
  'password.reveal': { readonly password: string };
  'password.forget': void;
}
