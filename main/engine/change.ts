/**
 * A change of this computer as a value: what is there, what shall be there, how it takes effect, how it is proved.
 * Planning makes such values and writes nothing; `apply.ts` carries them out after consent; the ledger keeps them, so
 * that each can be shown and undone later, by another process too. All of it is JSON.
 */
import { createHash } from 'node:crypto';
import { assertNever } from '../../registry/spec/errors.ts';
import type { Endpoint } from './engine.ts';

/** Where the bytes are kept. */
export type Place =
  /** A file of this computer. `mode` counts for a file that is new. */
  | { readonly kind: 'file'; readonly path: string; readonly mode: number }
  /** A file below a folder on the engine's side, reached through its API: `folder` is bound into a container. */
  | {
      readonly kind: 'engine-file';
      readonly endpoint: Endpoint;
      readonly folder: string;
      /** Below `folder`, without a leading slash. */
      readonly path: string;
      readonly mode: number;
    }
  /** A certificate store that only programs reach. The bytes are the certificate as PEM. */
  | {
      readonly kind: 'store';
      /** For people: `the NSS database ~/.pki/nssdb`. */
      readonly label: string;
      /** Ends with 0 and prints the certificate as PEM when it is there. */
      readonly read: readonly string[];
      /** Takes the PEM on standard input. */
      readonly add: readonly string[];
      readonly remove: readonly string[];
    };

/** Which part of the bytes is ours, so that undoing takes out that part alone when others have edited the rest. */
export type Edit =
  | { readonly kind: 'whole' }
  /** An entry of a list in a JSON file: daemon.json. */
  | { readonly kind: 'json-entry'; readonly key: string; readonly entry: string }
  /** A member of an object in a JSON file: credHelpers of Docker's config.json. */
  | { readonly kind: 'json-member'; readonly key: string; readonly member: string; readonly value: string };

/** What makes the change take effect. */
export type Activation =
  | { readonly kind: 'none' }
  /** A program that has to run once, such as update-ca-certificates; `undo` runs after the undoing. */
  | { readonly kind: 'run'; readonly command: readonly string[]; readonly undo: readonly string[] }
  /** SIGHUP, or the service's reload: dockerd reads daemon.json again; containers stay. */
  | { readonly kind: 'reload'; readonly endpoint: Endpoint; readonly command: readonly string[] }
  /** Asked for separately, since `effect` is felt: containers stop. */
  | { readonly kind: 'restart'; readonly command: readonly string[]; readonly effect: string };

/** How a change is proved, from the engine's side. */
export type Proof =
  | { readonly kind: 'none' }
  /** The engine's own TLS handshake and login: POST /auth of its API. */
  | { readonly kind: 'engine-login'; readonly endpoint: Endpoint; readonly address: string }
  /** The engine's info lists the entry. */
  | {
      readonly kind: 'engine-info';
      readonly endpoint: Endpoint;
      readonly list: 'insecure-registries' | 'registry-mirrors';
      readonly entry: string;
    }
  /** A client program's handshake and login: podman, skopeo or buildah. */
  | { readonly kind: 'client-login'; readonly program: string; readonly address: string }
  /** A handshake that trusts this bundle of the system alone. */
  | { readonly kind: 'handshake'; readonly bundle: string; readonly address: string };

export interface Change {
  /** One sentence: what it does and for whom. */
  readonly title: string;
  /** The engine's id; `system` for trust stores of the system, `login` for what clients find logins by. */
  readonly engine: string;
  /** The registry's address that it is for. */
  readonly address: string;
  readonly place: Place;
  readonly edit: Edit;
  /** SHA-256 of what is there now, hexadecimal; `undefined` when there is nothing. */
  readonly before: string | undefined;
  /** The exact bytes that shall be there, base64. */
  readonly after: string;
  /** This user cannot do it: the elevation helper writes the file and runs the activation. */
  readonly needsRoot: boolean;
  readonly activation: Activation;
  readonly proof: Proof;
  /** Commands with which a person does the same by hand, for a POSIX shell unless the platform is Windows. */
  readonly manual: readonly string[];
}

/** What one consent covers. */
export interface Plan {
  /** The question as a title: `Let Docker trust this registry?` */
  readonly title: string;
  /** Why it is needed, one sentence. */
  readonly why: string;
  readonly changes: readonly Change[];
  /** What is felt besides the files: reload, restart, running containers, equals-root. */
  readonly effects: readonly string[];
}

/** SHA-256 of bytes, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes that the change puts in place. */
export function bytesAfter(change: Change): Buffer {
  return Buffer.from(change.after, 'base64');
}

/** Names a plan by its content: a consent given for this text holds for nothing else. 16 hexadecimal digits. */
export function planHash(plan: Plan): string {
  return sha256(Buffer.from(JSON.stringify(plan.changes))).slice(0, 16);
}

/** The place for people: a path, or the name of a store. */
export function describePlace(place: Place): string {
  switch (place.kind) {
    case 'file':
      return place.path;
    case 'engine-file':
      return `${place.folder}/${place.path}`;
    case 'store':
      return place.label;
    default:
      return assertNever(place);
  }
}
