import assert from 'node:assert/strict';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertNever, isAppError } from '../spec/errors.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { actor, descriptorOf, manifestOf, pushBlob, putManifest, sha } from '../store/store.suite.ts';
import { compared, historyOf, type Opened, openPlace, openRegistry, type Place } from './derived.suite.ts';

const runs = Number(process.env['INDEX_RUNS'] ?? 25);
const length = Number(process.env['INDEX_COMMANDS'] ?? 40);

const repository = fc.constantFrom('a', 'a/b', 'team/api') as fc.Arbitrary<string> as fc.Arbitrary<RepoName>;
const tag = fc.constantFrom('1', '1.0', '2', 'latest') as fc.Arbitrary<string> as fc.Arbitrary<Tag>;
const seed = fc.nat({ max: 4 });
/** What is attached: by its artifact type, and by the predicates that its layers carry. */
const attachment = fc.constantFrom(
  'application/signature',
  'application/vnd.dev.cosign.artifact.sig.v1+json',
  'application/spdx+json',
  'application/vnd.in-toto+json',
);

/** When the image comes that something is attached to. */
const whenImage = fc.constantFrom('before', 'after', 'not');

const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('push' as const), repository, seed, tags: fc.uniqueArray(tag) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pushIndex' as const), repository, seed, tag }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('refer' as const),
      repository,
      seed,
      attachment,
      image: whenImage,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unrefer' as const), repository, seed, attachment }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('sign' as const), repository, seed, image: whenImage }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsign' as const), repository, seed }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('setTag' as const), repository, seed, tag }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('removeTag' as const), repository, tag }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), repository, seed }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('removeIndex' as const), repository, seed }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('removeRepository' as const), repository }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

const command = fc.oneof(
  { weight: 20, arbitrary: change },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pull' as const), repository, tag, seed }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rebuild' as const),
      meanwhile: fc.array(change, { maxLength: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      file: fc.constantFrom('kept', 'kept', 'deleted', 'cut', 'garbage', 'torn journal'),
      /** What distribution, or a crash before the index, does in between. */
      between: fc.array(change, { maxLength: 4 }),
    }),
  },
);

/** The config and the layers of an image; some have layers in common. */
function blobsOf(n: number): readonly [string, ...string[]] {
  const config = {
    os: 'linux',
    architecture: `a${n}`,
    ...(n > 1 ? { created: `2026-01-0${n}T00:00:00.000Z` } : {}),
  };
  return [JSON.stringify(config), `layer ${n % 2}`, `layer ${n % 3}`, `only ${n}`];
}

function imageOf(n: number): Buffer {
  const [config, ...layers] = blobsOf(n);
  return manifestOf({
    config: descriptorOf(config, { mediaType: 'application/vnd.oci.image.config.v1+json' }),
    layers: layers.map((layer) => descriptorOf(layer)),
  });
}

function indexOf(n: number): Buffer {
  const manifests = [imageOf(n), imageOf((n + 1) % 5)].map((image) =>
    descriptorOf(image, { mediaType: 'application/vnd.oci.image.manifest.v1+json' }),
  );
  const said = descriptorOf(attestationOf(n), {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    platform: { os: 'unknown', architecture: 'unknown' },
  });
  return manifestOf({ manifests: n % 2 === 0 ? manifests : [...manifests, said] });
}

/** What BuildKit says about an image, beside it in its index. */
function attestationOf(n: number): Buffer {
  const predicates = ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document'].slice(0, 1 + (n % 2));
  return manifestOf({
    config: descriptorOf('{}', { mediaType: 'application/vnd.oci.image.config.v1+json' }),
    layers: predicates.map((predicate) =>
      descriptorOf('{}', {
        mediaType: 'application/vnd.in-toto+json',
        annotations: { 'in-toto.io/predicate-type': predicate },
      }),
    ),
  });
}

/** What cosign pushes beside an image. */
function signatureOf(n: number): Buffer {
  return manifestOf({
    config: descriptorOf('{}', { mediaType: 'application/vnd.oci.image.config.v1+json' }),
    layers: [
      descriptorOf(`layer ${n % 2}`, { mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json' }),
    ],
  });
}

function signatureTag(n: number): Tag {
  return `${sha(imageOf(n)).replace(':', '-')}.sig` as Tag;
}

async function pushImage(store: Store, name: RepoName, n: number, tags: readonly string[]): Promise<void> {
  for (const blob of blobsOf(n)) await pushBlob(store, name, blob);
  await putManifest(store, imageOf(n), { name, tags });
}

/** A refusal is an outcome like another: the disk is as it was. */
async function perform(store: Store, each: Change): Promise<void> {
  try {
    await act(store, each);
  } catch (error) {
    if (!isAppError(error)) throw error;
  }
}

async function act(store: Store, each: Change): Promise<unknown> {
  const { manifests, trash } = store;
  switch (each.do) {
    case 'push':
      return await pushImage(store, each.repository, each.seed, each.tags);
    case 'pushIndex':
      for (const n of [each.seed, (each.seed + 1) % 5]) await pushImage(store, each.repository, n, []);
      await pushBlob(store, each.repository, '{}');
      await putManifest(store, attestationOf(each.seed), { name: each.repository });
      return await putManifest(store, indexOf(each.seed), { name: each.repository, tags: [each.tag] });
    case 'refer':
      return await withImage(store, each, () =>
        refer(store, each.repository, referrerOf(each.seed, each.attachment)),
      );
    case 'unrefer':
      return await manifests.remove(each.repository, sha(referrerOf(each.seed, each.attachment)), actor);
    case 'sign':
      await pushBlob(store, each.repository, `layer ${each.seed % 2}`);
      return await withImage(store, each, () =>
        refer(store, each.repository, signatureOf(each.seed), [signatureTag(each.seed)]),
      );
    case 'unsign':
      return await manifests.removeTag(each.repository, signatureTag(each.seed), actor);
    case 'setTag':
      return await manifests.setTag(each.repository, each.tag, sha(imageOf(each.seed)), actor);
    case 'removeTag':
      return await manifests.removeTag(each.repository, each.tag, actor);
    case 'remove':
      return await manifests.remove(each.repository, sha(imageOf(each.seed)), actor);
    case 'removeIndex':
      return await manifests.remove(each.repository, sha(indexOf(each.seed)), actor);
    case 'removeRepository':
      return await manifests.removeRepository(each.repository, actor);
    case 'restore':
      return await trash.restore((await trash.list({ limit: 1 })).rows[0]?.id ?? '', actor);
    default:
      return assertNever(each);
  }
}

function referrerOf(n: number, artifactType: string): Buffer {
  return manifestOf({ config: descriptorOf('{}'), artifactType, subject: descriptorOf(imageOf(n)) });
}

async function withImage(
  store: Store,
  { repository: name, seed: n, image: when }: Extract<Change, { readonly image: string }>,
  attach: () => Promise<void>,
): Promise<void> {
  if (when === 'before') await pushImage(store, name, n, ['latest']);
  await attach();
  if (when === 'after') await pushImage(store, name, n, ['latest']);
}

async function refer(
  store: Store,
  name: RepoName,
  bytes: Buffer,
  tags: readonly string[] = [],
): Promise<void> {
  await pushBlob(store, name, '{}');
  await putManifest(store, bytes, { name, tags });
}

async function spoil({ directory }: Place, how: string): Promise<void> {
  const path = join(directory, 'index.sqlite');
  if (how === 'deleted') await rm(path);
  if (how === 'cut') await truncate(path, Math.floor((await stat(path)).size * 0.7));
  if (how === 'garbage') await writeFile(path, 'garbage '.repeat(2000));
  if (how === 'torn journal') {
    const month = new Date().toISOString().slice(0, 7);
    await writeFile(join(directory, 'journal', `${month}.ndjson`), '{"at":"2026-', { flag: 'a' });
  }
}

test(`lists are those of a walk after ${runs} x up to ${length} random changes, restarts and rebuilds`, async () => {
  // Oracle: `walk` in derived.suite.ts, which reads everything through the store, and the moves that were asked for.
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: length }), async (commands) => {
      await using place = await openPlace();
      let registry: Opened = await openRegistry(place);
      try {
        for (const each of commands) {
          if (each.do === 'restart') {
            const told = toldBy(registry);
            await registry[Symbol.asyncDispose]();
            await spoil(place, each.file);
            await withoutIndex(place, each.between);
            registry = await openRegistry(place);
            assert.deepEqual(toldBy(registry), told);
          } else if (each.do === 'rebuild') {
            const rebuilt = registry.index.rebuild();
            for (const one of each.meanwhile) await perform(registry.store, one);
            await rebuilt;
          } else if (each.do === 'pull') {
            const { repository: name } = each;
            registry.index.pulled({ repository: name, tag: each.tag, digest: sha('') });
            registry.index.pulled({ repository: name, tag: undefined, digest: sha(imageOf(each.seed)) });
          } else {
            await perform(registry.store, each);
          }
          await registry.index.settled();
          const { have, want } = await compared(registry, place);
          assert.deepEqual(have, want);
        }
        assert.deepEqual(await registry.differences(), []);
        assert.equal(registry.index.state, 'ready');
      } finally {
        await registry[Symbol.asyncDispose]();
      }
    }),
    { numRuns: runs },
  );
});

/** Changes that index and journal are not told of. */
async function withoutIndex({ driver }: Place, changes: readonly Change[]): Promise<void> {
  await using elsewhere = await openPlace();
  await using other = await openRegistry({ ...elsewhere, driver }, { isWatched: false });
  for (const each of changes) await perform(other.store, each);
}

/** The moves that the journal told the index: those with a user. */
function toldBy({ index }: Opened): readonly unknown[] {
  const moves = ['a', 'a/b', 'team/api'].flatMap((name) => historyOf(index, name));
  return moves.filter(({ by }) => by !== undefined);
}
