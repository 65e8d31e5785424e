/** The set-up of the first start, for the window. What it changes on the computer goes by the methods of consent. */
import type { Client } from '../../registry/spec/rpc.ts';
import { findEngine } from '../consent/find-engine.ts';
import { openCheckAccess } from '../consent/registry-facts.ts';
import type { SetupFacts, setupArguments } from '../contract/setup.ts';
import type { MethodsOf } from '../contract/shell-api.ts';
import { proveEngine } from '../engine/doctor/prove-engine.ts';
import type { Host } from '../engine/host.ts';
import type { FirstPasswords } from './first-passwords.ts';

export interface SetupOptions {
  readonly host: Host;
  /** The data directory of the registry; NOT_RUNNING. */
  readonly root: () => string;
  /** The control plane of the registry, while it can be reached; NOT_RUNNING. */
  readonly client: () => Client;
  readonly passwords: FirstPasswords;
  /** What the preferences say. */
  readonly preferences: () => Pick<SetupFacts, 'isSetUp' | 'mayListImages'>;
  readonly setSetUp: (isSetUp: boolean) => void;
}

export function createSetupMethods({
  host,
  root,
  client,
  passwords,
  preferences,
  setSetUp,
}: SetupOptions): MethodsOf<typeof setupArguments> {
  return {
    async 'setup.get'() {
      const password = await passwords.find(root());
      const { isSetUp, mayListImages } = preferences();
      return { isSetUp, mayListImages, ...(password === undefined ? {} : { password }) };
    },
    async 'setup.set'(args) {
      setSetUp(args.isSetUp);
    },
    async 'setup.prove'({ engine: id, pulls }) {
      const { target, engine } = await findEngine(host, client(), root(), id);
      await using access = await openCheckAccess(client());
      return await proveEngine({ host, engine, target, credentials: access.credentials, pulls });
    },
    async 'password.reveal'() {
      return { password: await passwords.reveal(root()) };
    },
    async 'password.forget'() {
      await passwords.forget(root());
    },
  };
}
