import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';

/** A digest that a manifest needs, with the size in bytes that the manifest says. */
export interface Use {
  readonly digest: Digest;
  readonly size: number;
}

/** Tags that are about to be set, and what is needed with the manifest that they mean, so far as it is not there. */
export interface Arrival {
  readonly by: 'push' | 'tag' | 'restore';
  readonly repository: RepoName;
  readonly tags: readonly Tag[];
  readonly uses: readonly Use[];
}

/** Leave for an arrival. Disposed when it is stored and all know of it, or when it is not. */
export interface Admission extends Disposable {
  /** Things a person should know, for Warning headers. */
  readonly warnings: readonly string[];
}

/** Decides whether there is room for an arrival. Throws QUOTA_EXCEEDED. */
export type Admit = (arrival: Arrival) => Admission;

/** There is always room. */
export const admitAll: Admit = () => ({ warnings: [], [Symbol.dispose]: () => undefined });
