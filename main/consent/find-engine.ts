import { AppError } from '../../registry/spec/errors.ts';
import { nearest } from '../../registry/spec/nearest.ts';
import type { Client } from '../../registry/spec/rpc.ts';
import { detectEngines } from '../engine/detect/detect.ts';
import type { Engine, RegistryTarget } from '../engine/engine.ts';
import type { Host } from '../engine/host.ts';
import { findTarget } from './registry-facts.ts';

/** An engine of this computer by its id, with the registry as it is now. Throws ENGINE_UNKNOWN, which names a near one. */
export async function findEngine(
  host: Host,
  client: Client,
  root: string,
  id: string,
): Promise<{ readonly target: RegistryTarget; readonly engine: Engine }> {
  const target = await findTarget(client, root);
  const engines = await detectEngines(host, target);
  const engine = engines.find((each) => each.id === id);
  if (engine !== undefined) return { target, engine };
  const near = nearest(
    id,
    engines.map((each) => each.id),
  );
  throw new AppError('ENGINE_UNKNOWN', {
    message: `There is no engine "${id}" on this computer${near === undefined ? '' : `; did you mean ${near}?`}`,
  });
}
