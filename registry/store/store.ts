import type { Driver } from '../driver/driver.ts';
import type { Digest } from '../spec/digest.ts';
import type { StoreEvents } from '../spec/events.ts';
import { type Admit, admitAll } from './admission.ts';
import { type Blobs, createBlobs } from './blobs.ts';
import { type CollectOptions, type Collector, createCollector } from './collect.ts';
import { createContent } from './content.ts';
import { createDamage, type Damage } from './damage.ts';
import { createLeases, type Leases } from './leases.ts';
import { createLocks } from './locks.ts';
import { createManifestCache } from './manifest-cache.ts';
import { createManifests, type Manifests } from './manifests.ts';
import type { ValidationRules } from './needed.ts';
import type { ProtectedBy } from './protection.ts';
import { createReferenceReader } from './references.ts';
import { createReferrers, type Referrers } from './referrers.ts';
import { createRemoveRepository } from './remove-repository.ts';
import { createRemovers } from './remove-tags.ts';
import { createRepositories, type Repositories } from './repositories.ts';
import { createScrubber, type Scrubber } from './scrub.ts';
import { createTags, type Tags } from './tags.ts';
import { createTrash, type Trash } from './trash.ts';
import { createUploads, type Uploads } from './uploads.ts';
import { createVerified } from './verified.ts';

/** A registry's content on a driver: what the distribution API means, without HTTP. */
export interface Store {
  readonly repositories: Repositories;
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly trash: Trash;
  readonly collector: Collector;
  /** Keeps content from the collector through work of several steps, and tells what it leaves alone. */
  readonly leases: Pick<Leases, 'hold' | 'isLeased'>;
  readonly damage: Damage;
  readonly scrubber: Scrubber;
}

export interface StoreOptions {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly rules: () => ValidationRules;
  /** Upload sessions that one user may have open. */
  readonly uploadsPerUser: () => number;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** A clock that nobody sets, in milliseconds. */
  readonly monotonic?: () => number;
  /** How long removed things are kept. */
  readonly trashKeepMs?: () => number;
  readonly collect?: CollectOptions;
  /** Tags that keep their meaning; none where it is absent. */
  readonly protectedBy?: ProtectedBy;
  /** Whether there is room for what is to be stored; always where it is absent. */
  readonly admit?: Admit;
}

export function createStore({
  driver,
  events,
  rules,
  uploadsPerUser,
  now = Date.now,
  monotonic = () => performance.now(),
  trashKeepMs,
  collect = {},
  protectedBy = () => undefined,
  admit = admitAll,
}: StoreOptions): Store {
  const locks = createLocks();
  const leases = createLeases({ graceMs: collect.graceMs, now: monotonic });
  const repositories = createRepositories(driver);
  const damage = createDamage({ driver, events, now });
  const forget = (digest: Digest): void => cache.forget(digest);
  const content = createContent({ driver, events, locks, damage, forget });
  const cache = createManifestCache({ driver, content, repositories });
  const references = createReferenceReader({ driver, cache });
  const tags = createTags(driver);
  const trash = createTrash({
    driver,
    events,
    locks,
    leases,
    references,
    tags,
    keepMs: trashKeepMs,
    admit,
    now,
  });
  const verified = createVerified();
  const blobs = createBlobs({
    driver,
    events,
    locks,
    leases,
    content,
    verified,
    repositories,
    manifests: cache,
  });
  const uploads = createUploads({
    driver,
    events,
    locks,
    leases,
    blobs,
    verified,
    repositories,
    perUser: uploadsPerUser,
    now,
    monotonic,
  });
  const common = { driver, events, locks, leases, repositories, references, tags, trash, protectedBy };
  const removeRepository = createRemoveRepository({ ...common, uploads });
  const removers = createRemovers({ ...common, cache });
  return {
    repositories,
    blobs,
    tags,
    uploads,
    manifests: createManifests({
      ...common,
      content,
      cache,
      blobs,
      rules,
      removeRepository,
      ...removers,
      admit,
    }),
    referrers: createReferrers(cache),
    trash,
    collector: createCollector({ ...common, ...collect, forget, now, monotonic }),
    leases,
    damage,
    scrubber: createScrubber({
      driver,
      events,
      locks,
      content,
      damage,
      cache,
      repositories,
      tags,
      rules,
      now,
    }),
  };
}
