/** Push and pull of the built-in image by an engine itself, to the repository of the doctor. */
import { checkRepository } from '../../../registry/spec/names.ts';
import type { Credentials } from '../api/engine-auth.ts';
import {
  dockerArchive,
  loadImage,
  probeImage,
  pullImage,
  pushImage,
  removeImage,
} from '../api/engine-images.ts';
import { readEngineVersion } from '../api/engine-info.ts';
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { newRun } from './check.ts';
import { pushByPodman } from './podman-push.ts';
import { deletePushed } from './server-checks.ts';

export interface PushRequest {
  readonly host: Host;
  readonly engine: Engine;
  readonly registry: RegistryTarget;
  /** Absent where no login is needed. */
  readonly credentials: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** True for engines that can be told to push. */
export function canPushItself({ kind, endpoint }: Engine): boolean {
  return endpoint !== undefined || kind === 'podman';
}

/** The image is gone afterwards; a registry that refuses deletes keeps it. Throws ENGINE_FAILED, or what the registry says. */
export async function pushByEngine(request: PushRequest): Promise<void> {
  const run = newRun();
  await pushAndPull(request, run);
  await deletePushed(request, run);
}

async function pushAndPull({ host, engine, credentials, signal }: PushRequest, run: string): Promise<void> {
  const { address, endpoint } = engine;
  const ref = `${address}/${checkRepository}:${run}`;
  if (endpoint === undefined) return await pushByPodman(host, { ref, run }, credentials, signal);
  const login = credentials ?? { user: '', password: '' };
  const { architecture = 'amd64' } = await readEngineVersion(endpoint, { signal });
  // Loaded under its full name: an engine keeps other images of a shorter name untouched.
  await loadImage(endpoint, dockerArchive(probeImage(architecture, run), ref), { signal });
  try {
    await pushImage(endpoint, ref, login, { signal });
    await removeImage(endpoint, ref, { signal });
    await pullImage(endpoint, ref, login, { signal });
  } finally {
    await removeImage(endpoint, ref);
  }
}
