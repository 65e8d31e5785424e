import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { useShellCall } from '../../state/shell.ts';
import { suggestName } from '../push/target-name.ts';
import { canPush } from './engine-steps.ts';
import type { NamedHere } from './recipe.ts';

/** The image that an engine got last, where looking was allowed; those that go by the name of this registry are here. */
export function useNewestImage(engine: EngineRow | undefined): NamedHere | undefined {
  const { data: facts } = useShellCall('setup.get', {}, { isFresh: true });
  const canList = engine !== undefined && engine.state === 'running' && canPush(engine);
  const { data } = useShellCall(
    'images.list',
    { engine: engine?.id ?? 'none' },
    { isWanted: canList && facts?.mayListImages === true, isFresh: true },
  );
  const newest = data?.find(
    ({ name }) => !name.startsWith(`${engine?.address}/`) && suggestName(name) !== '',
  );
  return newest && { image: newest.name, target: suggestName(newest.name) };
}
