import type { AdminClient } from '../../../registry/cli/client.ts';
import type { Keys } from '../../support/keys.ts';
import type { TestWindow } from '../../support/window.ts';

/** What an act is done with. */
export interface Desk extends Pick<TestWindow, 'page' | 'registry' | 'user' | 'push'> {
  readonly keys: Keys;
  /** Asks the registry what came of it. */
  readonly client: AdminClient;
}

export interface KeyboardAct {
  readonly name: string;
  /** The places of the source that are shown to be reached, `pages/access/add-user.tsx users.add`. */
  readonly covers: readonly string[];
  /** From whatever screen is shown; begins without a dialog, and leaves none. */
  readonly run: (desk: Desk) => Promise<void>;
}
