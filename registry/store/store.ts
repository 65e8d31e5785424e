import type { Driver } from '../driver/driver.ts';
import type { StoreEvents } from '../spec/events.ts';
import { type Blobs, createBlobs } from './blobs.ts';
import { createContent } from './content.ts';
import { createLocks } from './locks.ts';
import { createManifestCache } from './manifest-cache.ts';
import { createManifests, type Manifests, type ValidationRules } from './manifests.ts';
import { createReferrers, type Referrers } from './referrers.ts';
import { createRepositories, type Repositories } from './repositories.ts';
import { createTags, type Tags } from './tags.ts';
import { createUploads, type Uploads } from './uploads.ts';

/** A registry's content on a driver: what the distribution API means, without HTTP. */
export interface Store {
  readonly repositories: Repositories;
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
}

export interface StoreOptions {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly rules: ValidationRules;
  /** Upload sessions that one user may have open. */
  readonly uploadsPerUser: number;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

export function createStore({ driver, events, rules, uploadsPerUser, now = Date.now }: StoreOptions): Store {
  const locks = createLocks();
  const repositories = createRepositories(driver);
  const content = createContent({ driver, events, locks });
  const cache = createManifestCache({ driver, content, repositories });
  const tags = createTags(driver);
  const blobs = createBlobs({ driver, events, locks, content, repositories, manifests: cache });
  return {
    repositories,
    blobs,
    tags,
    uploads: createUploads({ driver, events, content, blobs, repositories, perUser: uploadsPerUser, now }),
    manifests: createManifests({ driver, events, locks, content, cache, tags, blobs, rules }),
    referrers: createReferrers(cache),
  };
}
