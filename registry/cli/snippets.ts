import { detectEngines } from '../../main/engine/detect/detect.ts';
import { thisHost } from '../../main/engine/host.ts';
import { type Snippet, snippetsFor } from '../../main/engine/login/snippets.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { findTarget } from './target.ts';

export interface SnippetOptions {
  readonly user: string;
  /** Repository and tag or digest. */
  readonly image: string;
  /** Where every client reaches the registry; absent: each gets what it needs on this computer. */
  readonly address?: string | undefined;
  /** Where the certificate is kept; absent: the file of the registry. */
  readonly caFile?: string | undefined;
}

/** The snippets of all clients for the registry of a data directory. */
export async function findSnippets(
  io: Io,
  options: ConfigOptions,
  { user, image, address, caFile }: SnippetOptions,
): Promise<readonly Snippet[]> {
  const { registry } = await findTarget(io, options);
  const engines = address === undefined ? await detectEngines(thisHost(io.env), registry) : [];
  const local = address ?? `localhost:${registry.port}`;
  const addressOfFirst = (kinds: readonly string[]): string =>
    engines.find(({ kind }) => kinds.some((each) => kind.startsWith(each)))?.address ?? local;
  return snippetsFor({
    address: local,
    engineAddress: addressOfFirst(['docker', 'colima', 'rancher', 'orbstack']),
    clusterAddress: addressOfFirst(['kind', 'k3d', 'minikube', 'microk8s']),
    user,
    image,
    caFile: registry.authority === undefined ? undefined : (caFile ?? registry.authorityFile),
  });
}
