/** berth trust: which engines accept the registry, and what makes them accept it. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { nearest } from '../spec/nearest.ts';
import { processUser } from '../disk/process-user.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Plan } from '../../main/engine/change.ts';
import { applyPlan, type ChangeContext, type Outcome, undoChange } from '../../main/engine/changes/apply.ts';
import { isOpen, readLedger } from '../../main/engine/changes/ledger.ts';
import { prove } from '../../main/engine/changes/prove.ts';
import { detectEngines } from '../../main/engine/detect/detect.ts';
import type { Engine, Need } from '../../main/engine/engine.ts';
import { explain } from '../../main/engine/doctor/explain.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { planTrust, proofOf, type TrustWay, trustWays } from '../../main/engine/trust/plan-trust.ts';
import { withConfig } from './config.ts';
import { askConsent, type ConsentOptions, isAgreed, withConsent } from './consent.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { formatTable } from './table.ts';
import { findTarget, getRunningTarget, openCheckAccess, type Target } from './target.ts';
import { writeJson } from './user.ts';

interface JsonOptions extends ConfigOptions {
  readonly json?: boolean;
}

interface AddOptions extends ConfigOptions, ConsentOptions {
  readonly how: TrustWay;
  readonly address?: string;
  readonly restart?: boolean;
}

/** Adds `berth trust ls|add|remove|verify` to the program. */
export function registerTrust(program: Command, io: Io): void {
  const trust = program.command('trust').description('let container engines accept the registry');

  withConfig(trust.command('ls'))
    .description('list the engines of this computer, the address each of them uses, and what it needs')
    .option('--json', 'answer in JSON')
    .action(async (options: JsonOptions) => {
      const { registry } = await findTarget(io, options);
      const engines = await detectEngines(thisHost(io.env), registry, {});
      if (options.json === true) return writeJson(io, engines);
      const rows = engines.map((each) => [
        each.id,
        each.title,
        each.state,
        each.address,
        describeNeed(each.need),
        each.certainty,
      ]);
      io.out(formatTable(['ENGINE', 'TITLE', 'STATE', 'ADDRESS', 'NEEDS', 'KNOWN'], rows, io));
    });

  withConsent(withConfig(trust.command('add [engine]')))
    .description('let an engine accept the registry; all that need it, if none is named')
    .addOption(
      new Option('--how <way>', 'by its certificate, or else')
        .choices(trustWays)
        .default('certificate' satisfies TrustWay),
    )
    .option('--address <host:port>', 'the address that image names will have')
    .option('--restart', 'restart the engine where only that makes the change felt; running containers stop')
    .action((id: string | undefined, options: AddOptions) => add(io, id, options));

  withConfig(trust.command('remove [engine]'))
    .description('take back what berth trust add did; for all engines, if none is named')
    .option('--json', 'answer in JSON')
    .action((id: string | undefined, options: JsonOptions) => remove(io, id, options));

  withConfig(trust.command('verify [engine]'))
    .description('try from the side of each engine whether it accepts the registry')
    .option('--json', 'answer in JSON')
    .action((id: string | undefined, options: JsonOptions) => verify(io, id, options));
}

/** The engine of an id. Throws ENGINE_UNKNOWN with the nearest one. */
export function getEngine(engines: readonly Engine[], id: string): Engine {
  const engine = engines.find((each) => each.id === id);
  if (engine !== undefined) return engine;
  const ids = engines.map((each) => each.id);
  const near = nearest(id, ids);
  throw new AppError('ENGINE_UNKNOWN', {
    message: `There is no engine "${id}" on this computer${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: ids.length === 0 ? 'No container engine was found.' : `Engines: ${ids.join(', ')}.`,
  });
}

/** What applying and undoing needs, from a command line. */
export async function openContext(
  host: Host,
  target: Target,
  { restart = false }: { readonly restart?: boolean | undefined } = {},
): Promise<AsyncDisposable & ChangeContext> {
  const access = await openCheckAccess(target);
  return {
    host,
    root: target.root,
    by: processUser(),
    credentials: access.credentials,
    mayRestart: restart,
    [Symbol.asyncDispose]: () => access[Symbol.asyncDispose](),
  };
}

/** Says what became of each change. */
export function report(io: Io, outcomes: readonly Outcome[]): void {
  for (const { id, change, result } of outcomes) {
    switch (result) {
      case 'already':
        io.out(`${change.title}: it is so already.\n`);
        break;
      case 'restart':
        io.out(`${id}  ${change.title}: in place. ${restartHint(change.activation)}\n`);
        break;
      case 'undone':
        io.out(`${id}  ${change.title}: undone.\n`);
        break;
      case 'applied':
        io.out(`${id}  ${change.title}: done${change.proof.kind === 'none' ? '' : ', and it works'}.\n`);
    }
  }
}

async function add(io: Io, id: string | undefined, options: AddOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await getRunningTarget(io, options);
  const { registry } = target;
  const engines = await detectEngines(host, registry, {});
  const { how: way, address } = options;
  const wanted = id === undefined ? engines.filter(({ need }) => needsTrust(need)) : [getEngine(engines, id)];
  const plans: Plan[] = [];
  for (const engine of wanted) {
    plans.push(await planTrust({ host, engine, target: registry, way, address }));
  }
  const plan = joinPlans(plans);
  if (plan.changes.length === 0) {
    if (options.json === true) return writeJson(io, { changes: [], why: plan.why });
    return io.out(`Nothing to do. ${plan.why}\n`);
  }
  const hash = await askConsent(io, host, plan, options);
  if (hash === undefined) return;
  // A restart stops containers: it is a question of its own.
  const asksRestart = plan.changes.some(({ activation }) => activation.kind === 'restart') && io.canAsk;
  const restart = options.restart === true || (asksRestart && (await isAgreed(io, 'Restart it now? [y/N] ')));
  await using context = await openContext(host, target, { restart });
  const outcomes = await applyPlan(context, plan, hash);
  if (options.json === true)
    return writeJson(
      io,
      outcomes.map(({ id: change, result }) => ({ id: change, result })),
    );
  report(io, outcomes);
}

async function remove(io: Io, id: string | undefined, options: JsonOptions): Promise<void> {
  const target = await findTarget(io, options);
  const entries = (await readLedger(target.root)).filter(
    ({ state, change }) =>
      isOpen(state) && change.engine !== 'login' && (id === undefined || change.engine === id),
  );
  await using context = await openContext(thisHost(io.env), target);
  const outcomes: Outcome[] = [];
  // The last one first: a later change may build on an earlier one.
  for (const entry of entries.toReversed()) outcomes.push(await undoChange(context, entry.id));
  if (options.json === true)
    return writeJson(
      io,
      outcomes.map(({ id: change, result }) => ({ id: change, result })),
    );
  if (outcomes.length === 0)
    io.out('There is nothing of ours to take back; berth changes ls lists all changes.\n');
  report(io, outcomes);
}

async function verify(io: Io, id: string | undefined, options: JsonOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await getRunningTarget(io, options);
  const engines = await detectEngines(host, target.registry, {});
  const wanted =
    id === undefined ? engines.filter(({ state }) => state === 'running') : [getEngine(engines, id)];
  await using context = await openContext(host, target);
  const results: { engine: string; address: string; result: string; said?: string }[] = [];
  for (const engine of wanted) {
    const proof = proofOf({ host, engine, target: target.registry, way: 'certificate' });
    const base = { engine: engine.id, address: engine.address };
    try {
      await prove(proof, context);
      results.push({ ...base, result: proof.kind === 'none' ? 'not tried' : 'accepts the registry' });
    } catch (error) {
      if (!isAppError(error)) throw error;
      results.push({ ...base, result: 'refuses it', said: explain(error.message)?.cause ?? error.message });
    }
  }
  if (options.json === true) writeJson(io, results);
  else {
    const rows = results.map(({ engine, address, result, said = '' }) => [engine, address, result, said]);
    io.out(formatTable(['ENGINE', 'ADDRESS', 'RESULT', 'WHY'], rows, io));
  }
  const bad = results.filter(({ result }) => result === 'refuses it').length;
  if (bad > 0) {
    throw new AppError('CHECKS_FAILED', {
      message: `${bad} of ${results.length} engines refuse the registry.`,
      hint: 'berth trust add ENGINE makes an engine accept it.',
    });
  }
}

function needsTrust({ kind }: Need): boolean {
  return kind !== 'nothing' && kind !== 'cannot';
}

function joinPlans(plans: readonly Plan[]): Plan {
  const [only] = plans;
  if (only !== undefined && plans.length === 1) return only;
  return {
    title: 'Let these engines trust this registry?',
    why:
      plans.length === 0 ? 'No engine needs anything.' : [...new Set(plans.map(({ why }) => why))].join(' '),
    changes: plans.flatMap(({ changes }) => changes),
    effects: [...new Set(plans.flatMap(({ effects }) => effects))],
  };
}

function describeNeed(need: Need): string {
  if (need.kind === 'nothing') return 'nothing';
  if (need.kind === 'certificate') return `the certificate in ${need.where}`;
  return `${need.kind}: ${need.kind === 'cannot' ? need.why : need.what}`;
}

function restartHint(activation: Outcome['change']['activation']): string {
  if (activation.kind !== 'restart') return '';
  return `It is felt after a restart: ${activation.command.join(' ')}`;
}
