/** What the product knows of a container engine on this computer, and of the registry that engines shall reach. */

import { dockerKinds, podmanKinds } from '../../registry/spec/engine-kinds.ts';

export const engineKinds = [
  ...dockerKinds,
  ...podmanKinds,
  'containerd',
  'buildkit',
  'kind',
  'k3d',
  'minikube',
  'microk8s',
] as const;
export type EngineKind = (typeof engineKinds)[number];

/** The registry, as the program that serves it says. */
export interface RegistryTarget {
  /** The port it listens on. */
  readonly port: number;
  /** Addresses it is bound to: `127.0.0.1`, `::1`, `0.0.0.0` ... */
  readonly listensOn: readonly string[];
  /** DNS names and addresses that its certificate is good for. */
  readonly names: readonly string[];
  /** PEM of the authority that clients have to trust; `undefined` when the user brought an own certificate. */
  readonly authority: string | undefined;
  /** A file of this computer that holds the same PEM. */
  readonly authorityFile: string;
}

/** How an engine's API is reached: a unix socket, a named pipe, or TCP with or without TLS. */
export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tlsFolder?: string }
  | { readonly kind: 'ssh'; readonly url: string };

/** What an engine needs before it accepts the registry at its address. */
export type Need =
  /** Works as it is; `why` says what that rests on. */
  | { readonly kind: 'nothing'; readonly why: string }
  /** The authority's certificate in a folder that the engine reads at each request. */
  | { readonly kind: 'certificate'; readonly where: string }
  /** A changed configuration that a reload takes over, running containers stay. */
  | { readonly kind: 'reload'; readonly what: string }
  /** A changed configuration that only a restart takes over. */
  | { readonly kind: 'restart'; readonly what: string }
  /** The certificate in the trust store of the system, which the engine copies. */
  | { readonly kind: 'keychain'; readonly what: string }
  /** Nothing that can be done from here; `why` says the reason and the way out. */
  | { readonly kind: 'cannot'; readonly why: string };

export interface Engine {
  /** Stable and unique on this computer: `docker`, `docker:rootless`, `podman`, `buildkit:NAME`, `kind:NAME`. */
  readonly id: string;
  readonly kind: EngineKind;
  /** For people: `Docker 28.5 (context colima)`. */
  readonly title: string;
  readonly version: string | undefined;
  /** `denied`: it runs, and this user may not talk to it. */
  readonly state: 'running' | 'stopped' | 'denied';
  /** How its Docker-compatible API is reached, where it has one. */
  readonly endpoint: Endpoint | undefined;
  /** The host and port to write in image names for this engine. */
  readonly address: string;
  /** Docker's containerd image store, which checks other things than the classic store. */
  readonly usesContainerdStore: boolean;
  /** It runs on this kernel, not in a virtual machine, so that its paths are paths of this computer. */
  readonly isLocal: boolean;
  readonly need: Need;
  /** `probed`: asked the engine; `documented`: known from its documentation, not tried here. */
  readonly certainty: 'probed' | 'documented';
  /** What a person should know about it: why it is stopped, which name of the host it uses. */
  readonly notes: readonly string[];
}
