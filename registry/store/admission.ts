import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';

/** A digest that a manifest needs, with the size in bytes that the manifest says. */
export interface Use {
  readonly digest: Digest;
  readonly size: number;
}

/** A manifest that is about to be stored, with everything it needs. */
export interface Arrival {
  readonly repository: RepoName;
  readonly tags: readonly Tag[];
  readonly uses: readonly Use[];
}

/** Leave to store a manifest. Disposed when it is stored and all know of it, or when it is not. */
export interface Admission extends Disposable {
  /** Things a person should know, for Warning headers. */
  readonly warnings: readonly string[];
}

/** Decides whether there is room for a manifest. Throws QUOTA_EXCEEDED. */
export type Admit = (arrival: Arrival) => Admission;

/** There is always room. */
export const admitAll: Admit = () => ({ warnings: [], [Symbol.dispose]: () => undefined });
