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
  /** Where its client finds a login for the address, as the end of a sentence; absent: it has none, or nobody can tell. */
  readonly login?: string;
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
  /** How a person takes it back: lines for a shell; what no command does is a comment. */
  readonly undoByHand: readonly string[];
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
  readonly fix?: {
    readonly sentence: string;
    readonly command?: string;
    /** What can be done about it after consent, and for which engine. */
    readonly repair?: { readonly kind: 'trust' | 'login'; readonly engine: string };
  };
}

/** What a person copies to use the registry from one client: a command, or a piece of configuration. */
export interface SnippetRow {
  /** `docker`, `kubernetes`, as `berth connect` names them. */
  readonly client: string;
  /** What it does, and for a piece of configuration the file it belongs into. */
  readonly title: string;
  readonly language: 'sh' | 'powershell' | 'yaml' | 'toml';
  readonly text: string;
  /** What to know or to do besides. */
  readonly note?: string;
}

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'not one line');

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
  /**
   * What to type, or to write into a file, for every client, as `berth connect` says it. `address` is where the reader
   * reaches the registry, and `caFile` where the reader keeps its certificate; without them the reader is on the computer
   * of the registry, and each engine gets the address that it needs.
   */
  'snippets.list': z.strictObject({
    user: line.min(1).max(255),
    image: line.min(1).max(600),
    address: line.max(300).optional(),
    caFile: line.max(4096).optional(),
  }),
} as const;

export interface ComputerResults {
  'engines.list': readonly EngineRow[];
  'changes.list': readonly ChangeRow[];
  'changes.get': ChangeDetail;
  'checks.run': readonly CheckRow[];
  'snippets.list': readonly SnippetRow[];
}
