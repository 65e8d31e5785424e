/** What an engine of this computer still needs before it can push, and whether that can be done for the person. */
import { dockerKinds, podmanKinds } from '../../../registry/spec/engine-kinds.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';

const pushing: ReadonlySet<string> = new Set([...dockerKinds, ...podmanKinds]);

/** True for engines that people push with, and that can be asked for their images. */
export function canPush({ kind }: Pick<EngineRow, 'kind'>): boolean {
  return pushing.has(kind);
}

/** True where the certificate, or a setting, has to get to the engine first. */
export function needsTrust({ need }: EngineRow): boolean {
  return need.kind !== 'nothing' && need.kind !== 'cannot';
}

/** True where one button can do all that is missing. */
export function canSetUp(engine: EngineRow): boolean {
  return engine.state === 'running' && engine.need.kind !== 'cannot' && canPush(engine);
}

/** The one thing it needs, as a sentence. */
export function neededBy(engine: EngineRow): string {
  const { state, need, notes } = engine;
  if (state === 'stopped') return 'Start it first.';
  if (state === 'denied') return notes[0] ?? 'This user may not talk to it: join the group docker.';
  if (need.kind === 'cannot') return need.sentence;
  if (!canPush(engine)) return need.kind === 'nothing' ? 'It pulls without more.' : need.sentence;
  return needsTrust(engine)
    ? 'Needs to trust the certificate of the registry, then a login.'
    : 'Needs a login. It accepts the certificate as it is.';
}
