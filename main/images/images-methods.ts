/** Images of engines for the window: listed once the person has allowed it, and pushed by the engine itself. */
import { AppError, isAppError } from '../../registry/spec/errors.ts';
import type { Client } from '../../registry/spec/rpc.ts';
import { findEngine } from '../consent/find-engine.ts';
import { openAccess } from '../consent/registry-facts.ts';
import type { imagesArguments, PushRequest } from '../contract/images.ts';
import type { MethodsOf } from '../contract/shell-api.ts';
import { explain } from '../engine/doctor/explain.ts';
import type { Host } from '../engine/host.ts';
import { listImages, pushLocalImage } from '../engine/images/local-images.ts';

export interface ImagesOptions {
  readonly host: Host;
  /** The data directory of the registry; NOT_RUNNING. */
  readonly root: () => string;
  /** The control plane of the registry, while it can be reached; NOT_RUNNING. */
  readonly client: () => Client;
  readonly mayList: () => boolean;
  readonly setMayList: (mayList: boolean) => void;
}

export function createImagesMethods({
  host,
  root,
  client,
  mayList,
  setMayList,
}: ImagesOptions): MethodsOf<typeof imagesArguments> {
  const running = new Map<string, AbortController>();

  function mustBeAllowed(): void {
    if (mayList()) return;
    throw new AppError('CONSENT_NEEDED', {
      message: 'Nobody has allowed to look at the images of this computer.',
      hint: 'Allow it in the dialog that pushes images.',
    });
  }

  async function push(
    { engine: id, image, repository, tag }: PushRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const { engine } = await findEngine(host, client(), root(), id);
    const label = `push of ${repository} from ${engine.title}`.slice(0, 100);
    await using access = await openAccess(client(), {
      label,
      repositories: [repository],
      verbs: ['pull', 'push'],
    });
    signal.throwIfAborted();
    const { credentials } = access;
    await pushLocalImage(host, engine, {
      id: image,
      ref: `${engine.address}/${repository}:${tag}`,
      credentials,
      signal,
    }).catch((error: unknown) => {
      throw inWords(error, engine.title);
    });
  }

  return {
    async 'images.permit'(args) {
      setMayList(args.mayList);
    },
    async 'images.list'({ engine: id }) {
      mustBeAllowed();
      const { engine } = await findEngine(host, client(), root(), id);
      return await listImages(host, engine);
    },
    async 'images.push'(args) {
      mustBeAllowed();
      if (running.has(args.push))
        throw new AppError('USAGE', { message: `The push ${args.push} runs already.` });
      const ending = new AbortController();
      running.set(args.push, ending);
      try {
        await push(args, ending.signal);
      } finally {
        running.delete(args.push);
      }
    },
    async 'images.cancel'({ push: id }) {
      running.get(id)?.abort(new AppError('CANCELLED', { message: 'The push was cancelled.', hint: '' }));
    },
  };
}

/** What an engine said as people understand it, where it is known. */
function inWords(error: unknown, title: string): unknown {
  if (!isAppError(error, 'ENGINE_FAILED')) return error;
  const known = explain(error.message);
  if (known === undefined) return error;
  return new AppError('ENGINE_FAILED', {
    message: `${title} cannot push. ${known.cause}`,
    hint: known.fix.sentence,
    cause: error,
  });
}
