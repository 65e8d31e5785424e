/**
 * Events in the form of distribution (its docs, "Work with notifications"; compared with registry:2 by
 * test/compat/notifications.test.ts). What is empty or zero there is left out there, and so it is here.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Happening } from '../spec/webhook.ts';

export interface EventSource {
  /** Host name and port of this registry. */
  readonly address: string;
  /** Another one for each start. */
  readonly instanceId: string;
  /** What links begin with where no request says it: scheme, host and prefix. */
  readonly origin: string;
}

/** Of every blob: what it is, a manifest says. */
export const blobType = 'application/octet-stream';

/** Puts what happened into the form that is sent; `undefined` fields vanish in JSON. */
export function eventOf(
  { action, kind, actor, repository, digest, tag, mediaType, size, fromRepository, manifest }: Happening,
  source: EventSource,
  { at, includesReferences }: { readonly at: Date; readonly includesReferences: boolean },
) {
  const isDelete = action === 'delete';
  const bytes = size === 0 ? undefined : size;
  return {
    id: randomUUID(),
    timestamp: at.toISOString(),
    action,
    target: {
      mediaType: kind === 'blob' && !isDelete ? blobType : mediaType,
      size: bytes,
      digest,
      length: bytes,
      repository,
      fromRepository,
      url:
        digest === undefined || isDelete ? undefined : `${source.origin}/v2/${repository}/${kind}s/${digest}`,
      tag,
      references: includesReferences && manifest !== undefined ? referencesOf(manifest) : undefined,
    },
    request: {
      id: actor.requestId,
      addr: actor.address,
      host: actor.host,
      method: actor.method ?? '',
      useragent: actor.client ?? '',
    },
    actor: { name: actor.user === '' ? undefined : actor.user },
    source: { addr: source.address, instanceID: source.instanceId },
  };
}

const descriptor = z.object({
  mediaType: z.string().optional(),
  size: z.number().optional(),
  digest: z.string(),
  urls: z.array(z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const named = z.object({
  config: descriptor.optional(),
  layers: z.array(descriptor).nullish(),
  manifests: z.array(descriptor).nullish(),
});

/** Config and layers of an image, or the manifests of an index, as they stand there. */
function referencesOf(manifest: Uint8Array): readonly unknown[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(manifest).toString());
  } catch {
    // Another registry may have stored something else; the event is told without it.
    return undefined;
  }
  const { config, layers, manifests } = named.safeParse(value).data ?? {};
  const found = [...(config === undefined ? [] : [config]), ...(layers ?? []), ...(manifests ?? [])];
  return found.length === 0 ? undefined : found;
}
