/** berth doctor: looks whether the registry and the engines work together, explains, and mends what it can. */
import type { Command } from 'commander';
import { AppError } from '../spec/errors.ts';
import { findPortOwner } from '../index.ts';
import type { Plan } from '../../main/engine/change.ts';
import { applyPlan } from '../../main/engine/changes/apply.ts';
import { detectEngines } from '../../main/engine/detect/detect.ts';
import type { Check, DoctorInput } from '../../main/engine/doctor/check.ts';
import { planRepairs, runChecks } from '../../main/engine/doctor/doctor.ts';
import type { Engine } from '../../main/engine/engine.ts';
import { type Host, thisHost } from '../../main/engine/host.ts';
import { describeLogin } from '../../main/engine/login/describe-login.ts';
import { keepLogin, type PlannedLogin } from '../../main/engine/login/keep-login.ts';
import { withConfig } from './config.ts';
import { askConsent, type ConsentOptions, withConsent } from './consent.ts';
import type { Io } from './io.ts';
import type { ConfigOptions } from './load.ts';
import { planLoginOf, tokensOf } from './login.ts';
import { findTarget, openCheckAccess, type Target } from './target.ts';
import { printable } from './format.ts';
import { openContext, report } from './trust.ts';
import { writeJson } from './user.ts';

interface DoctorOptions extends ConfigOptions, ConsentOptions {
  readonly fix?: boolean;
}

/** Adds `berth doctor` to the program. */
export function registerDoctor(program: Command, io: Io): void {
  withConsent(withConfig(program.command('doctor')))
    .description('check the registry, its certificate and each engine; with --fix, mend what can be mended')
    .option('--fix', 'mend what failed, after one consent, and check again')
    .action((options: DoctorOptions) => doctor(io, options));
}

async function doctor(io: Io, options: DoctorOptions): Promise<void> {
  const host = thisHost(io.env);
  const target = await findTarget(io, options);
  const first = await examine(io, host, target, options);
  let { checks } = first;
  if (options.fix === true) {
    const isMended = await mend(io, host, target, first, options);
    if (options.dryRun === true) return;
    if (isMended) ({ checks } = await examine(io, host, target, options));
  }
  if (options.json === true) writeJson(io, checks);
  const failed = checks.filter(({ status }) => status === 'fail').length;
  if (failed === 0) {
    if (options.json !== true) io.out(`\n${failedNone(checks)}\n`);
    return;
  }
  throw new AppError('CHECKS_FAILED', {
    message: `${failed} of ${checks.length} checks failed.`,
    hint: checks.some(({ status, fix }) => status === 'fail' && fix?.repair !== undefined)
      ? 'berth doctor --fix mends what it can, after asking once.'
      : 'Each failed check says what to do.',
  });
}

interface Examination {
  readonly checks: readonly Check[];
  readonly engines: readonly Engine[];
}

/** Runs the checks and prints each as it is done. */
async function examine(io: Io, host: Host, target: Target, options: DoctorOptions): Promise<Examination> {
  return await runDoctor(host, target, (check, before) => {
    if (options.json !== true) io.out(renderCheck(check, before?.group));
  });
}

/** Runs the checks of a registry and the engines of this computer; `onCheck` gets each as it is done. */
export async function runDoctor(
  host: Host,
  target: Target,
  onCheck: (check: Check, before: Check | undefined) => void,
  signal?: AbortSignal,
): Promise<Examination> {
  const { config } = target.loaded;
  const engines = await detectEngines(host, target.registry);
  await using access = await openCheckAccess(target);
  const input: DoctorInput = {
    host,
    root: target.root,
    registry: target.registry,
    pid: target.pid,
    reserve: config.berth.storage.reserve,
    certificate: target.certificate?.leaf,
    isOpen: config.auth.none,
    isReadOnly: config.storage.maintenance.readonly.enabled,
    findPortOwner: (port) => findPortOwner(port),
    engines,
    credentials: access.credentials,
    findLogin: (engine) => describeLogin(host, engine),
    signal,
  };
  const checks: Check[] = [];
  for await (const check of runChecks(input)) {
    onCheck(check, checks.at(-1));
    checks.push(check);
  }
  return { checks, engines };
}

const marks = { pass: 'ok  ', warn: 'warn', fail: 'FAIL', skip: 'skip' } as const;

function renderCheck(
  { group, status, sentence, evidence, fix }: Check,
  groupBefore: string | undefined,
): string {
  const lines = [
    ...(group === groupBefore ? [] : ['', group]),
    `  ${marks[status]}  ${sentence}`,
    ...(evidence === undefined || status === 'pass' ? [] : [`        said: ${inOneLine(evidence)}`]),
    ...(fix === undefined || status === 'pass'
      ? []
      : [`        ${fix.sentence}${fix.command === undefined ? '' : `  ${fix.command}`}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function inOneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ')).slice(0, 400);
}

/** Answers whether anything was mended. */
async function mend(
  io: Io,
  host: Host,
  target: Target,
  { checks, engines }: Examination,
  options: DoctorOptions,
): Promise<boolean> {
  const trust = await planRepairs({ host, registry: target.registry, engines }, checks);
  const login = await planFirstLogin(host, target, { checks, engines });
  const plan = join(trust, login?.plan.plan);
  if (plan === undefined) {
    if (options.json !== true) io.out('\nNothing that can be mended from here.\n');
    return false;
  }
  const hash = await askConsent(io, host, plan, options);
  if (hash === undefined) return false;
  await using context = await openContext(host, target);
  const outcomes = await applyPlan(context, plan, hash);
  if (options.json !== true) report(io, outcomes);
  if (login !== undefined) await keepLogin(host, tokensOf(target), login);
  return true;
}

/**
 * The login of the first address that lacks one, which clients of the same address share. Two addresses would be two
 * edits of one file, the second planned on what the first leaves: that is for the next run.
 */
async function planFirstLogin(
  host: Host,
  target: Target,
  { checks, engines }: Examination,
): Promise<PlannedLogin | undefined> {
  const wanted = checks.flatMap(({ fix }) => (fix?.repair?.kind === 'login' ? [fix.repair.engine] : []));
  const engine = engines.find(({ id }) => wanted.includes(id));
  if (engine === undefined) return undefined;
  return await planLoginOf(host, target, { address: engine.address, engine: engine.id });
}

function join(trust: Plan | undefined, login: Plan | undefined): Plan | undefined {
  if (trust === undefined || login === undefined) return trust ?? login;
  return {
    title: 'Set up the engines of this computer for this registry?',
    why: `${trust.why} ${login.why}`,
    changes: [...trust.changes, ...login.changes],
    effects: [...trust.effects, ...login.effects],
  };
}

function failedNone(checks: readonly Check[]): string {
  const warnings = checks.filter(({ status }) => status === 'warn').length;
  return warnings === 0 ? 'No problems found.' : `No problems found; ${warnings} warnings.`;
}
