import type { MethodsOf } from './contract/shell-api.ts';
import type { updatesArguments, UpdatesRow } from './contract/updates.ts';
import type { Updates } from './updates.ts';

export interface UpdatesMethodsOptions {
  readonly updates: Updates;
  /** Of the app that runs. */
  readonly version: string;
  /** Quits, and installs what is ready. */
  readonly restart: () => void;
}

export function createUpdatesMethods({
  updates,
  version,
  restart,
}: UpdatesMethodsOptions): MethodsOf<typeof updatesArguments> {
  const row = (): UpdatesRow => ({ version, update: updates.state() });
  return {
    'updates.get': async () => row(),
    async 'updates.look'() {
      await updates.look();
      return row();
    },
    async 'updates.restart'() {
      restart();
      return row();
    },
  };
}
