/** Webhooks: who is told what happens, and whether they could be reached. */
import { nearest } from '../spec/nearest.ts';
import type { webhookArguments } from '../spec/admin/webhooks.ts';
import { AppError } from '../spec/errors.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import type { MethodsOf } from './server.ts';

export interface WebhookDeps {
  readonly webhooks: Webhooks;
}

export function createWebhookMethods({ webhooks }: WebhookDeps): MethodsOf<typeof webhookArguments> {
  /** Throws WEBHOOK_UNKNOWN with the nearest name. */
  function mustExist(name: string): void {
    const names = webhooks.names();
    if (names.includes(name)) return;
    const near = nearest(name, names);
    throw new AppError('WEBHOOK_UNKNOWN', {
      message: `There is no webhook "${name}"${near === undefined ? '.' : `; did you mean ${near}?`}`,
    });
  }

  return {
    'webhooks.list': async () => webhooks.list(),
    'webhooks.set': (args) => webhooks.set(args),
    async 'webhooks.remove'({ name }) {
      mustExist(name);
      await webhooks.remove(name);
      return { name };
    },
    async 'webhooks.test'({ name }, { signal, actor }) {
      mustExist(name);
      return await webhooks.test(name, { signal, actor });
    },
    async 'webhooks.retry'({ name }) {
      mustExist(name);
      return webhooks.retry(name);
    },
    async 'webhooks.purge'({ name }) {
      mustExist(name);
      return { dropped: await webhooks.purge(name) };
    },
  };
}
