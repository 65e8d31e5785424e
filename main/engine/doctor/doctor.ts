/**
 * The doctor: looks at the registry, its certificate and each engine, one sentence a check, and says what would mend
 * it. It changes nothing but its own repository in the registry and its own image in the engines, which it takes away
 * again. Checks come out as they are done.
 */
import type { Plan } from '../change.ts';
import { planTrust } from '../trust/plan-trust.ts';
import type { Check, DoctorInput } from './check.ts';
import { checkEngine } from './engine-checks.ts';
import { checkOtherRegistry } from './other-registry.ts';
import { checkCertificate, checkDisk, checkModes, checkServer } from './server-checks.ts';

/** Runs all checks. Those that build on a failed one are skipped, with the reason. */
export async function* runChecks(input: DoctorInput): AsyncGenerator<Check> {
  const server = await checkServer(input);
  yield* server;
  yield await checkDisk(input);
  yield await checkModes(input);
  yield* checkCertificate(input);
  const isUp = server.every(({ status }) => status !== 'fail');
  if (input.engines.length === 0) {
    const sentence = 'No container engine was found on this computer.';
    yield {
      id: 'engines',
      group: 'Engines',
      status: 'warn',
      sentence,
      fix: { sentence: 'Install Docker or Podman.' },
    };
  }
  for (const engine of input.engines) yield* checkEngine(input, engine, isUp);
  const other = await checkOtherRegistry(input);
  if (other !== undefined) yield other;
}

/** What `berth doctor --fix` would do: one plan for all that engines need, without the logins. */
export async function planRepairs(
  { host, registry, engines }: Pick<DoctorInput, 'host' | 'registry' | 'engines'>,
  checks: readonly Check[],
): Promise<Plan | undefined> {
  const wanted = new Set(
    checks.flatMap(({ fix }) => (fix?.repair?.kind === 'trust' ? [fix.repair.engine] : [])),
  );
  const plans: Plan[] = [];
  for (const engine of engines.filter(({ id }) => wanted.has(id))) {
    plans.push(await planTrust({ host, engine, target: registry, way: 'certificate' }));
  }
  const changes = plans.flatMap((plan) => plan.changes);
  if (changes.length === 0) return undefined;
  return {
    title: plans.length === 1 ? (plans[0]?.title ?? '') : 'Let these engines trust this registry?',
    why: [...new Set(plans.map(({ why }) => why))].join(' '),
    changes,
    effects: [...new Set(plans.flatMap(({ effects }) => effects))],
  };
}
