import type { EngineRow } from '../registry/spec/admin/computer.ts';
import { dockerKinds, podmanKinds } from '../registry/spec/engine-kinds.ts';

const kinds: ReadonlySet<string> = new Set([...dockerKinds, ...podmanKinds]);

/**
 * The title of the first engine that has to trust the registry before anything on this computer can push. Where one engine
 * can, the others are no matter that cannot wait; nor are those that are muted, by id.
 */
export function findWantedTrust(engines: readonly EngineRow[], muted: readonly string[]): string | undefined {
  const running = engines.filter(({ kind, state }) => kinds.has(kind) && state === 'running');
  if (running.some(({ need }) => need.kind === 'nothing')) return undefined;
  return running.find(
    ({ id, need }) => (need.kind === 'certificate' || need.kind === 'keychain') && !muted.includes(id),
  )?.title;
}
