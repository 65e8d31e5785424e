/** Finds the container engines of this computer. */
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { findBuildkit } from './buildkit.ts';
import { findClusters } from './clusters.ts';
import { findContainerd } from './containerd.ts';
import { findDocker } from './docker.ts';
import { findPodman } from './podman.ts';

/**
 * Answers each engine with its state, the address of the registry for it, and what it needs to accept the registry:
 * Docker's first, then Podman, containerd, BuildKit and clusters. Reads only and starts nothing; takes about 3 seconds
 * at most, since each probe has a limit of its own. A broken engine is in the list with its state and a note; the
 * promise rejects only when `signal` is aborted.
 */
export async function detectEngines(
  host: Host,
  target: RegistryTarget,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly Engine[]> {
  const findings = findDocker(host, target, options);
  const docker = findings.then((answer) => answer.docker);
  const [found, podman, containerd, buildkit, clusters] = await Promise.all([
    docker,
    findPodman(
      host,
      target,
      findings.then((answer) => answer.podman),
      options,
    ),
    findContainerd(host, target, options),
    docker.then((parents) => findBuildkit(host, target, parents, options)),
    docker.then((parents) => findClusters(host, target, parents, options)),
  ]);
  return [...found.map(({ engine }) => engine), ...podman, ...containerd, ...buildkit, ...clusters];
}
