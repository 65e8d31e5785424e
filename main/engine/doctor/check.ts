/** What the doctor's checks share: their form, what they are given, and how one of them is run. */
import { randomBytes } from 'node:crypto';
import { isAppError } from '../../../registry/spec/errors.ts';
import type { Credentials } from '../api/engine-auth.ts';
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { explain } from './explain.ts';

/** Names one push of a check: its image and its tag are of no other. */
export function newRun(): string {
  return `check-${randomBytes(4).toString('hex')}`;
}

export type CheckStatus = 'pass' | 'warn' | 'fail' | 'skip';

export interface Check {
  /** Stable: `server.running`, `docker.handshake`. */
  readonly id: string;
  /** `Server`, `Certificate`, or the title of an engine. */
  readonly group: string;
  readonly status: CheckStatus;
  /** What was found, one sentence. */
  readonly sentence: string;
  /** What the program in question said. */
  readonly evidence?: string;
  readonly fix?: Fix;
}

export interface Fix {
  readonly sentence: string;
  /** What a person types. */
  readonly command?: string;
  /** What `berth doctor --fix` does about it, after consent. */
  readonly repair?: { readonly kind: 'trust' | 'login'; readonly engine: string };
}

export interface DoctorInput {
  readonly host: Host;
  readonly root: string;
  readonly registry: RegistryTarget;
  /** The process that serves the registry. */
  readonly pid: number | undefined;
  /** The free bytes that pushes have to leave. */
  readonly reserve: { readonly bytes: number; readonly percent: number };
  readonly certificate: { readonly validFrom: string; readonly validTo: string } | undefined;
  /** Login is switched off. */
  readonly isOpen: boolean;
  readonly isReadOnly: boolean;
  /** Who listens on a port, for the case that it is not us. */
  readonly findPortOwner: (port: number) => Promise<string | undefined>;
  readonly engines: readonly Engine[];
  readonly credentials: Credentials | undefined;
  /** How a client finds a login for an address: the way it is stored, `undefined` when it has none. */
  readonly findLogin: (engine: Pick<Engine, 'kind' | 'address'>) => Promise<string | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/** Runs all checks. Those that build on a failed one are skipped, with the reason. */

/** Runs what must not throw, and answers the check: passed with its sentence, or failed with what was said and why. */
export async function attempt(
  passed: Omit<Check, 'status'>,
  act: () => Promise<void>,
  failed: string,
): Promise<Check> {
  try {
    await act();
    return { ...passed, status: 'pass' };
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    const evidence = error instanceof Error ? error.message : String(error);
    const explanation = explain(evidence);
    const hint = isAppError(error) && error.hint !== '' ? { fix: { sentence: error.hint } } : {};
    return {
      ...passed,
      status: 'fail',
      sentence: explanation === undefined ? failed : `${failed} ${explanation.cause}`,
      evidence,
      ...(explanation === undefined ? hint : { fix: explanation.fix }),
    };
  }
}

export function noCredentials(id: string, group: string): Check {
  return {
    id,
    group,
    status: 'skip',
    sentence: 'Not tried: this user may not make a login for the check.',
    fix: { sentence: 'Run it as the owner of the data directory, or name that with --data.' },
  };
}

export function readOnly(group: string): Check {
  return { id: 'server.push', group, status: 'skip', sentence: 'Not tried: the registry is read-only.' };
}
