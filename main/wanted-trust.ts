import type { EngineRow } from '../registry/spec/admin/computer.ts';
import { dockerKinds, podmanKinds } from '../registry/spec/engine-kinds.ts';

const kinds: ReadonlySet<string> = new Set([...dockerKinds, ...podmanKinds]);

/** The title of the first engine that people push with and that runs without trusting the registry; not of those that are muted, by id. */
export function findWantedTrust(engines: readonly EngineRow[], muted: readonly string[]): string | undefined {
  return engines.find(
    ({ id, kind, state, need }) =>
      kinds.has(kind) &&
      state === 'running' &&
      (need.kind === 'certificate' || need.kind === 'keychain') &&
      !muted.includes(id),
  )?.title;
}
