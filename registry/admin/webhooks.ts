/** Webhooks: who is told what happens, and whether they could be reached. */
import { nearest } from '../spec/nearest.ts';
import type { webhookArguments } from '../spec/admin/webhooks.ts';
import { AppError } from '../spec/errors.ts';
import type { AuditEvents } from '../spec/events.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import type { MethodsOf } from './server.ts';

export interface WebhookDeps {
  readonly webhooks: Webhooks;
  readonly audited: AuditEvents['audited'];
}

export function createWebhookMethods({ webhooks, audited }: WebhookDeps): MethodsOf<typeof webhookArguments> {
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
    async 'webhooks.set'(args, { actor }) {
      const row = await webhooks.set(args);
      await audited({ kind: 'settingChanged', actor, subject: `webhook ${args.name}` });
      return row;
    },
    async 'webhooks.remove'({ name }, { actor }) {
      mustExist(name);
      await webhooks.remove(name);
      await audited({ kind: 'settingChanged', actor, subject: `webhook ${name}`, detail: 'removed' });
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
