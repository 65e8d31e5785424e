/** Changes of this computer for the window: planned, agreed to by the person in front of it, done, proved, undone. */
import type { Client } from '../../registry/spec/rpc.ts';
import type { consentArguments, OutcomeRow, TrustRequest } from '../contract/consent.ts';
import type { MethodsOf } from '../contract/shell-api.ts';
import type { Plan } from '../engine/change.ts';
import { applyPlan, type ChangeContext, type Outcome, undoChange } from '../engine/changes/apply.ts';
import type { Host } from '../engine/host.ts';
import { endToken, keepLogin, type PlannedLogin } from '../engine/login/keep-login.ts';
import { listLogins, removeLogin } from '../engine/login/logins.ts';
import { planLogin } from '../engine/login/plan-login.ts';
import { showPlan } from '../engine/show-plan.ts';
import { lookAtTrust } from '../engine/trust/look-at-trust.ts';
import { planTrust } from '../engine/trust/plan-trust.ts';
import { findEngine } from './find-engine.ts';
import { firstAdmin, openCheckAccess, tokensOf } from './registry-facts.ts';

export interface ConsentOptions {
  readonly host: Host;
  /** The data directory of the registry, whose ledger of changes is kept; NOT_RUNNING. */
  readonly root: () => string;
  /** The user of the computer, who agrees. */
  readonly by: string;
  /** The control plane of the registry, while it can be reached; NOT_RUNNING. */
  readonly client: () => Client;
  /** What runs Docker's credential helper: see `LoginRequest` of main/engine. */
  readonly helperCommand: readonly string[] | undefined;
}

export function createConsentMethods({
  host,
  root,
  by,
  client,
  helperCommand,
}: ConsentOptions): MethodsOf<typeof consentArguments> {
  async function planTrustOf({ engine: id, way }: TrustRequest): Promise<Plan> {
    const { target, engine } = await findEngine(host, client(), root(), id);
    return await planTrust({ host, engine, target, way });
  }

  async function planLoginOf(id: string, named: string | undefined): Promise<PlannedLogin> {
    const { engine } = await findEngine(host, client(), root(), id);
    const user = named ?? (await firstAdmin(client()));
    const { address } = engine;
    return { address, user, plan: await planLogin(host, { address, user, engine: id, helperCommand }) };
  }

  async function openContext({ mayRestart }: Pick<ChangeContext, 'mayRestart'>) {
    const access = await openCheckAccess(client());
    const context: ChangeContext = {
      host,
      root: root(),
      by,
      credentials: access.credentials,
      mayRestart,
    };
    return { context, [Symbol.asyncDispose]: () => access[Symbol.asyncDispose]() };
  }

  return {
    async 'trust.look'({ engine: id }) {
      return await lookAtTrust({ host, ...(await findEngine(host, client(), root(), id)) });
    },
    'trust.plan': async (args) => await showPlan(host, await planTrustOf(args)),
    async 'trust.apply'({ hash, mayRestart, ...args }) {
      const plan = await planTrustOf(args);
      await using opened = await openContext({ mayRestart });
      return (await applyPlan(opened.context, plan, hash)).map(outcomeRow);
    },
    async 'login.plan'({ engine, user: named }) {
      const { address, user, plan } = await planLoginOf(engine, named);
      const { store } = plan;
      return {
        ...(await showPlan(host, plan.plan)),
        address,
        user,
        keptBy: store === 'helper' ? 'berth' : 'client',
      };
    },
    async 'login.apply'({ engine, user, hash }) {
      const planned = await planLoginOf(engine, user);
      await using opened = await openContext({ mayRestart: false });
      await applyPlan(opened.context, planned.plan.plan, hash);
      await keepLogin(host, tokensOf(client()), planned);
      return { address: planned.address, user: planned.user };
    },
    'logins.list': async () => (await listLogins(host)).map(({ address, user }) => ({ address, user })),
    async 'logins.forget'() {
      const logins = await listLogins(host);
      for (const { address } of logins) await removeLogin(host, address);
      // Once all are forgotten: a token that cannot be ended keeps none of the others.
      const ended = await Promise.allSettled(
        logins.map(async ({ tokenId }) => await endToken(tokensOf(client()), tokenId)),
      );
      for (const each of ended) if (each.status === 'rejected') throw each.reason;
    },
    async 'changes.undo'({ id }) {
      await using opened = await openContext({ mayRestart: false });
      return outcomeRow(await undoChange(opened.context, id));
    },
  };
}

function outcomeRow({ id, change, result }: Outcome): OutcomeRow {
  const { title, proof, activation } = change;
  return {
    id,
    title,
    result,
    isProved: result === 'applied' && proof.kind !== 'none',
    ...(result === 'restart' && activation.kind === 'restart'
      ? { command: activation.command.join(' ') }
      : {}),
  };
}
