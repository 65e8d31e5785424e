/** Damage: the check of all stored content, what it has found, and what that breaks. */
import type { Index } from '../derived/index-db.ts';
import type { DamageRow, integrityArguments, ScrubRun, ScrubStatus } from '../spec/admin/integrity.ts';
import { assertNever, AppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import type { DamageRecord } from '../store/damage.ts';
import type { Store } from '../store/store.ts';
import { mustExist } from './content.ts';
import type { MethodsOf } from './server.ts';

export interface IntegrityDeps {
  readonly store: Store;
  readonly index: Index;
  /** The check that also runs by itself. */
  readonly scrub: {
    run(options: {
      readonly signal: AbortSignal;
      readonly repositories: readonly RepoName[];
      readonly user: string;
    }): Promise<ScrubRun>;
    nextAt(): Promise<number | undefined>;
    readonly isRunning: boolean;
  };
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

const shownRows = 100;

export function createIntegrityMethods({
  store,
  index,
  scrub,
  mustBeWritable,
}: IntegrityDeps): MethodsOf<typeof integrityArguments> {
  function rowOf({ digest, state, size, found, at, repositories }: DamageRecord): DamageRow {
    const broken = index.brokenBy(digest, repositories);
    return {
      digest,
      state,
      size,
      ...(found === undefined ? {} : { found }),
      at,
      repositories: broken.repositories,
      tags: broken.tags,
      hint: hintOf(state, digest),
    };
  }

  return {
    async 'scrub.status'() {
      const [state, nextAt, { rows, total }] = await Promise.all([
        store.scrubber.state(),
        scrub.nextAt(),
        store.damage.list({ limit: shownRows }),
      ]);
      return {
        ...state,
        isRunning: scrub.isRunning,
        ...(nextAt === undefined ? {} : { nextAt: new Date(nextAt).toISOString() }),
        damaged: rows.map(rowOf),
        damagedTotal: total,
      } satisfies ScrubStatus;
    },
    async 'scrub.run'({ repositories }, { signal, actor: { user } }) {
      // What is damaged is moved.
      mustBeWritable();
      for (const name of repositories) await mustExist({ store, index }, name);
      return await scrub.run({ repositories, signal, user });
    },
    async 'damaged.list'({ after, limit }) {
      const page = await store.damage.list({ after, limit });
      return { ...page, rows: page.rows.map(rowOf) };
    },
    async 'damaged.forget'({ digest }) {
      mustBeWritable();
      if (await store.damage.forget(digest)) return { digest };
      throw new AppError('DAMAGE_UNKNOWN', { message: `Nothing is known of damage to ${digest}.` });
    },
  };
}

function hintOf(state: DamageRow['state'], digest: string): string {
  switch (state) {
    case 'quarantined':
    case 'missing':
    case 'unlinked':
      return 'Push an image that has it again.';
    case 'unreadable':
      return `Check the disk, and the owner and mode of the file of ${digest}; if it cannot be mended, remove the file and push an image that has it again.`;
    case 'healed':
      return 'Nothing is left to do.';
    default:
      return assertNever(state);
  }
}
