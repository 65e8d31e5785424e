/**
 * Webhooks: what happens to content is put into the queue of every endpoint that wants it, and delivered from there.
 *
 *   store, http -> feed/events -> publish -> queue of each endpoint -> delivery, one after the other -> receiver
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../disk/private-file.ts';
import type { Feed } from '../feed/feed.ts';
import type { WebhookRow, WebhookTest } from '../spec/admin/webhooks.ts';
import type { Config } from '../spec/config.ts';
import { emptyDigests } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import type { Happening, WebhookSink } from '../spec/webhook.ts';
import { type Delivery, startDelivery } from './deliver.ts';
import {
  changedEndpoint,
  configuredEndpoints,
  type Endpoint,
  type EndpointChange,
  loadEndpoints,
  saveEndpoints,
} from './endpoints.ts';
import { blobType, eventOf } from './event.ts';
import { type EventQueue, openQueue } from './queue.ts';
import { checkTarget, targetTest } from './targets.ts';

export interface Webhooks extends WebhookSink, AsyncDisposable {
  /** The names, for whoever mistyped one. */
  names(): readonly string[];
  list(): readonly WebhookRow[];
  /**
   * Makes or changes an endpoint, durably. What waits for it stays.
   * @throws AppError WEBHOOK_LOCKED, WEBHOOK_REFUSED, USAGE
   */
  set(change: EndpointChange): Promise<WebhookRow>;
  /**
   * Removes an endpoint and what waits for it.
   * @throws AppError WEBHOOK_UNKNOWN, WEBHOOK_LOCKED
   */
  remove(name: string): Promise<void>;
  /** @throws AppError WEBHOOK_UNKNOWN */
  test(name: string, options: { readonly signal: AbortSignal; readonly actor: Actor }): Promise<WebhookTest>;
  /** @throws AppError WEBHOOK_UNKNOWN */
  retry(name: string): WebhookRow;
  /** @throws AppError WEBHOOK_UNKNOWN */
  purge(name: string): Promise<number>;
}

export interface WebhooksOptions {
  /** The data directory. */
  readonly root: string;
  readonly config: () => Pick<Config, 'notifications'> & {
    readonly berth: Pick<Config['berth'], 'notifications'>;
  };
  /** What links begin with: `http.host` if it is set, else what the request says, else where the registry listens. */
  readonly origin: { readonly configured: () => string | undefined; readonly listening: () => string };
  /** Host name and port, as events name their source. */
  readonly address: () => string;
  readonly userAgent: string;
  readonly log: Log;
  readonly feed: Pick<Feed, 'publish'>;
}

interface Hook {
  readonly endpoint: Endpoint;
  readonly queue: EventQueue;
  readonly delivery: Delivery;
}

/**
 * Opens the queues of all endpoints and begins to deliver.
 * @throws AppError CONFIG_INVALID, DATA_UNUSABLE
 */
export async function openWebhooks(options: WebhooksOptions): Promise<Webhooks> {
  const { root, config, origin, address, userAgent, feed } = options;
  const log = options.log.for('jobs');
  const file = join(root, 'berth', 'webhooks.json');
  const directory = join(root, 'berth', 'hooks');
  const instanceId = randomUUID();
  const hooks = new Map<string, Hook>();
  let changing: Promise<unknown> = Promise.resolve();

  await using opening = new AsyncDisposableStack();
  opening.defer(async () => {
    await Promise.all([...hooks.values()].map(stop));
  });
  const locked = await configuredEndpoints(config().notifications);
  const names = new Set(locked.map(({ name }) => name));
  const added = (await loadEndpoints(file)).filter(({ name }) => !names.has(name));
  for (const endpoint of [...locked, ...added]) start(endpoint, await open(endpoint.name));
  await forgetOthers();
  const owned = opening.move();

  function directoryOf(name: string): string {
    return join(directory, createHash('sha256').update(name).digest('hex').slice(0, 32));
  }

  async function open(name: string): Promise<EventQueue> {
    await makePrivateDirectory(directory);
    const limit = (): number => config().berth.notifications.queue;
    return await openQueue({ directory: directoryOf(name), limit, log });
  }

  function start(endpoint: Endpoint, queue: EventQueue): Hook {
    const onChange = (): void => feed.publish({ kind: 'webhookChanged', webhook: endpoint.name });
    const keepMs = (): number => config().berth.notifications.keep;
    const delivery = startDelivery({ endpoint, queue, userAgent, isAllowed, keepMs, onChange, log });
    const hook = { endpoint, queue, delivery };
    hooks.set(endpoint.name, hook);
    return hook;
  }

  function isAllowed(host: string, target: string): boolean {
    return targetTest(config().berth.notifications.privatetargets)(host, target);
  }

  /** What waits for endpoints that are not configured any more goes when its time is over: they may come back. */
  async function forgetOthers(): Promise<void> {
    const known = new Set([...hooks.keys()].map(directoryOf));
    const found = await readdir(directory).catch(() => []);
    for (const path of found.map((name) => join(directory, name)).filter((each) => !known.has(each))) {
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs < config().berth.notifications.keep) continue;
      await rm(path, { recursive: true, force: true });
      log.info('webhookForgotten', 'events of a webhook that is not configured were removed', { file: path });
    }
  }

  function line(happening: Happening): string {
    const links = origin.configured() ?? happening.actor.origin ?? origin.listening();
    const source = { address: address(), instanceId, origin: links };
    const includesReferences = config().notifications.events.includereferences;
    return JSON.stringify(eventOf(happening, source, { at: new Date(), includesReferences }));
  }

  function find(name: string): Hook {
    const found = hooks.get(name);
    if (found !== undefined) return found;
    throw new AppError('WEBHOOK_UNKNOWN', { message: `There is no webhook "${name}".` });
  }

  function mustBeFree(found: Hook | undefined): void {
    if (found?.endpoint.isLocked !== true) return;
    throw new AppError('WEBHOOK_LOCKED', {
      message: `The webhook "${found.endpoint.name}" is part of the configuration.`,
    });
  }

  /** Changes one after the other: each ends a delivery before it begins another on the same files. */
  async function change<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = changing.then(act, act);
    changing = result;
    return await result;
  }

  async function save(): Promise<void> {
    const all = [...hooks.values()].map(({ endpoint }) => endpoint);
    await saveEndpoints(
      file,
      all.filter(({ isLocked }) => !isLocked),
    );
  }

  return {
    publish(happening) {
      if (hooks.size === 0) return undefined;
      const wanted = [...hooks.values()].filter(({ endpoint }) => wants(endpoint, happening));
      if (wanted.length === 0) return undefined;
      const text = line(happening);
      return Promise.all(wanted.map(({ queue }) => queue.append(text))).then(() => undefined);
    },
    names: () => [...hooks.keys()],
    list: () => [...hooks.values()].map(({ delivery }) => delivery.row()),
    set: (asked) =>
      change(async () => {
        const old = hooks.get(asked.name);
        mustBeFree(old);
        const endpoint = changedEndpoint(old?.endpoint, asked);
        checkTarget(new URL(endpoint.url), isAllowed);
        await old?.delivery[Symbol.asyncDispose]();
        const { delivery } = start(endpoint, old?.queue ?? (await open(endpoint.name)));
        await save();
        feed.publish({ kind: 'webhookChanged', webhook: endpoint.name });
        return delivery.row();
      }),
    remove: (name) =>
      change(async () => {
        const hook = find(name);
        mustBeFree(hook);
        hooks.delete(name);
        await save();
        await stop(hook);
        await rm(directoryOf(name), { recursive: true, force: true });
        feed.publish({ kind: 'webhookChanged', webhook: name });
      }),
    test: (name, { signal, actor }) => find(name).delivery.test(line(testOf(actor)), { signal }),
    retry(name) {
      const { delivery } = find(name);
      delivery.retry();
      return delivery.row();
    },
    async purge(name) {
      const dropped = await find(name).queue.purge();
      feed.publish({ kind: 'webhookChanged', webhook: name });
      return dropped;
    },
    async [Symbol.asyncDispose]() {
      await changing.catch(() => undefined);
      await owned.disposeAsync();
    },
  };
}

async function stop({ delivery, queue }: Hook): Promise<void> {
  await delivery[Symbol.asyncDispose]();
  await queue[Symbol.asyncDispose]();
}

function wants({ isDisabled, ignoredActions, ignoredMediaTypes }: Endpoint, happening: Happening): boolean {
  const { action, kind, mediaType } = happening;
  if (isDisabled || ignoredActions.includes(action)) return false;
  const told = kind === 'blob' ? blobType : (mediaType ?? '');
  return action === 'delete' || !ignoredMediaTypes.includes(told);
}

/** A push that nobody can take for one: no client can write that media type. */
function testOf(actor: Actor): Happening {
  return {
    action: 'push',
    kind: 'manifest',
    actor,
    repository: 'berth/webhook-test',
    digest: emptyDigests.sha256,
    tag: 'test',
    mediaType: 'application/vnd.berth.webhook.test',
  };
}
