/** The images that an engine holds, and pushes of them to the registry by that engine. */
import { dockerKinds } from '../../../registry/spec/engine-kinds.ts';
import { AppError } from '../../../registry/spec/errors.ts';
import type { Credentials } from '../api/engine-auth.ts';
import { listNamedImages, type NamedImage, pushImage, withName } from '../api/engine-images.ts';
import { fieldsOf, listOf, textOf } from '../api/fields.ts';
import { openPodmanLogin, runPodman } from '../api/podman-program.ts';
import { parseJson } from '../detect/json.ts';
import type { Engine, EngineKind } from '../engine.ts';
import type { Host } from '../host.ts';

/** Those whose images are reached by Docker's API. */
const dockers: ReadonlySet<EngineKind> = new Set(dockerKinds);

/** The images with a name, the newest first; one for each name. Throws ENGINE_FAILED. */
export async function listImages(host: Host, engine: Engine): Promise<readonly NamedImage[]> {
  const images = isPodman(engine)
    ? podmanImages(await runPodman(host, [...connectionOf(engine), 'images', '--format', 'json']))
    : await listNamedImages(endpointOf(engine));
  return images.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || (a.name < b.name ? -1 : 1));
}

/** A large image over a slow line takes long; a person can end it at any time. */
const pushTimeoutMs = 24 * 60 * 60 * 1000;

/**
 * Lets the engine push the image with that id as `ref`, HOST:PORT/REPOSITORY:TAG. Its names are afterwards what they were
 * before. Throws ENGINE_FAILED with what the engine said, or the reason of the signal.
 */
export async function pushLocalImage(
  host: Host,
  engine: Engine,
  {
    id,
    ref,
    credentials,
    signal,
  }: {
    readonly id: string;
    readonly ref: string;
    readonly credentials: Credentials;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  if (isPodman(engine)) {
    await using login = await openPodmanLogin(ref.slice(0, ref.indexOf('/')), credentials);
    // Podman pushes under a name that the image need not have.
    const image = id.replace(/^sha256:/, '');
    const args = [...connectionOf(engine), 'push', '--quiet', '--authfile', login.authFile, image, ref];
    await runPodman(host, args, { timeoutMs: pushTimeoutMs, signal });
    return;
  }
  const endpoint = endpointOf(engine);
  await withName(endpoint, id, ref, () => pushImage(endpoint, ref, credentials, { signal }));
}

/** What `podman images --format json` wrote: `Names` are full, `localhost/app:1` for what has no registry. */
export function podmanImages(json: string): readonly NamedImage[] {
  return listOf(parseJson(json)).flatMap((entry) => {
    const { Id, Names, Size, Created } = fieldsOf(entry);
    const id = textOf(Id);
    if (id === undefined) return [];
    return listOf(Names).flatMap((name) =>
      typeof name === 'string'
        ? [
            {
              id: id.startsWith('sha256:') ? id : `sha256:${id}`,
              name,
              sizeBytes: Number(Size ?? 0),
              createdAt: new Date(Number(Created ?? 0) * 1000).toISOString(),
            },
          ]
        : [],
    );
  });
}

function isPodman({ kind }: Engine): boolean {
  return kind === 'podman' || kind === 'podman-machine';
}

/** A machine is a connection of its name. */
function connectionOf({ id, kind }: Engine): readonly string[] {
  return kind === 'podman-machine' ? ['--connection', id.slice(id.indexOf(':') + 1)] : [];
}

function endpointOf({ kind, title, endpoint }: Engine) {
  if (dockers.has(kind) && endpoint !== undefined) return endpoint;
  throw new AppError('ENGINE_FAILED', {
    message: `The images of ${title} cannot be listed from here.`,
    hint: 'Push with its own client: the drawer Connect says what to type.',
  });
}
