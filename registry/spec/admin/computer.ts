/** The control plane on the computer that the registry runs on: container engines, what was changed there, checks. */
import { z } from 'zod';

export interface EngineRow {
  /** `docker`, `podman`, `kind:NAME`. */
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly version?: string;
  readonly state: 'running' | 'stopped' | 'denied';
  /** The host and port to write in image names for this engine. */
  readonly address: string;
  /** What it needs before it accepts the registry. */
  readonly need: {
    readonly kind: 'nothing' | 'certificate' | 'reload' | 'restart' | 'keychain' | 'cannot';
    readonly sentence: string;
  };
  readonly certainty: 'probed' | 'documented';
  readonly notes: readonly string[];
}

/** A change that Berth has made after consent. */
export interface ChangeRow {
  readonly id: string;
  readonly title: string;
  readonly engine: string;
  readonly address: string;
  /** A path, or what stands for one. */
  readonly where: string;
  /** The user of the computer who agreed. */
  readonly by: string;
  readonly plannedAt: string;
  readonly changedAt: string;
  readonly state: 'in place' | 'changed by others' | 'gone' | 'undone' | 'rolled back' | 'unknown';
  /** Why it was rolled back. */
  readonly reason?: string;
}

export interface ChangeDetail extends ChangeRow {
  /** What is there now against what was put there, as a unified diff; empty where they are equal. */
  readonly diff: string;
  /** How a person does the same. */
  readonly manual: readonly string[];
}

/** One thing that was looked at; see `berth doctor`. */
export interface CheckRow {
  /** Stable: `server.running`, `docker.handshake`. */
  readonly id: string;
  readonly group: string;
  readonly status: 'pass' | 'warn' | 'fail' | 'skip';
  readonly sentence: string;
  /** What the program in question said. */
  readonly evidence?: string;
  readonly fix?: { readonly sentence: string; readonly command?: string };
}

/** All of them look only: what changes the computer asks a person in front of it first. */
export const computerArguments = {
  /** The container engines of the computer. */
  'engines.list': z.strictObject({}),
  /** What Berth has changed on the computer, the oldest first. */
  'changes.list': z.strictObject({}),
  /** One change, compared with what is there. */
  'changes.get': z.strictObject({ id: z.string() }),
  /** Looks whether the registry and the engines work together, as `berth doctor` does. */
  'checks.run': z.strictObject({}),
} as const;

export interface ComputerResults {
  'engines.list': readonly EngineRow[];
  'changes.list': readonly ChangeRow[];
  'changes.get': ChangeDetail;
  'checks.run': readonly CheckRow[];
}
