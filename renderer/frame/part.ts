/** Parts of the window whose code is loaded when it is wanted, or when there is nothing else to do. */
import type { ComponentType } from 'react';

export interface Part<Props> {
  /** Loads it, or nothing where that was done; tries again where it failed. Resolves when `found` answers something. */
  load(): Promise<void>;
  /** The component, an error that says why there is none, or `undefined` while it is loaded. */
  readonly found: () => ComponentType<Props> | Error | undefined;
  /** Calls when `found` answers something; answers how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

export function createPart<Props>(importPart: () => Promise<ComponentType<Props>>): Part<Props> {
  let found: ComponentType<Props> | Error | undefined;
  let loading: Promise<void> | undefined;
  const listeners = new Set<() => void>();

  async function load(): Promise<void> {
    try {
      found = await importPart();
    } catch (error) {
      loading = undefined;
      found = error instanceof Error ? error : new Error(String(error));
    }
    for (const listener of listeners) listener();
  }

  return {
    load: () => (loading ??= load()),
    found: () => found,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
