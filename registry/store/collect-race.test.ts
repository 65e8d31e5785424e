import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../spec/digest.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import {
  actor,
  descriptorOf,
  type drivers,
  keysBelow,
  manifestOf,
  openStore,
  pushBlob,
  putManifest,
  readBlob,
  sha,
} from './store.suite.ts';

/** What a client has pushed under a tag: the manifest, and all blobs behind it. */
interface Pushed {
  readonly name: RepoName;
  readonly tag: Tag;
  readonly digest: Digest;
  readonly blobs: readonly string[];
  readonly children: readonly Digest[];
}

const clients = 8;
const repositories = ['team/a', 'team/a/b', 'x'] as string[] as RepoName[];
const { signal } = new AbortController();

/** Numbers that look random, the same for each seed. */
function numbers(seed: number) {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const runs: readonly { readonly on: keyof typeof drivers; readonly pushes: number }[] = [
  { on: 'memory', pushes: Number(process.env['COLLECT_PUSHES'] ?? 2000) },
  { on: 'fs', pushes: 60 },
];
for (const { on, pushes } of runs) {
  test(`${on}: ${pushes} pushes beside a collector that never rests: none is refused or broken, all garbage goes`, async (t) => {
    const seed = Number(process.env['COLLECT_SEED'] ?? Date.now() % 2 ** 31);
    t.diagnostic(`COLLECT_SEED=${seed}`);
    const random = numbers(seed);
    // A tick of the clock is a push, so that a slow computer does not end a grace time in the middle of one.
    const clock = { pushes: 0 };
    const graceMs = 40;
    await using open = await openStore({
      on,
      trashKeepMs: 0,
      clocks: { now: () => Date.now() + 3_600_000, monotonic: () => clock.pushes },
      collect: { graceMs, quarantineMs: 0 },
      // Steps take turns in another order each time.
      before: async () => void (random(3) === 0 && (await nextTurn())),
    });
    const { store } = open;
    const broken: string[] = [];
    const live = new Map<string, Pushed>();
    let [collections, collected] = [0, 0];

    async function pushLayer(name: RepoName, text: string): Promise<void> {
      if ((await store.blobs.find(name, sha(text))) !== undefined) return;
      const from = repositories[random(3)];
      const options = { from, mayPull: () => true, mayPullAll: true, actor };
      if (random(2) === 0 && (await store.blobs.mount(name, sha(text), options)) !== undefined) return;
      await pushBlob(store, name, text);
    }

    async function pushImage(name: RepoName, client: number, tags: readonly string[]) {
      const config = `config ${random(60)}`;
      const layers = Array.from({ length: 1 + random(4) }, () => `layer ${random(200)}`);
      for (const text of [config, ...layers]) await pushLayer(name, text);
      const bytes = manifestOf({
        config: descriptorOf(config),
        layers: layers.map((text) => descriptorOf(text)),
        annotations: { client: `${client}` },
      });
      // Clients leave out a manifest that is there, too.
      const known = await store.manifests.find(name, { kind: 'digest', digest: sha(bytes) });
      if (known === undefined || tags.length > 0) await putManifest(store, bytes, { name, tags });
      return { bytes, blobs: [config, ...layers] };
    }

    async function pushOne(client: number): Promise<void> {
      const name = repositories[random(3)] ?? repositories[0];
      const tag = `c${client}-${random(2)}` as Tag;
      assert.ok(name);
      const isIndex = random(4) === 0;
      const first = await pushImage(name, client, isIndex ? [] : [tag]);
      let pushed = { name, tag, digest: sha(first.bytes), blobs: first.blobs, children: [] as Digest[] };
      if (isIndex) {
        const second = await pushImage(name, client, []);
        const children = [first, second].map(({ bytes }) =>
          descriptorOf(bytes, { mediaType: mediaTypes.ociManifest }),
        );
        const { digest } = await putManifest(store, manifestOf({ manifests: children }), {
          name,
          tags: [tag],
        });
        const blobs = [...first.blobs, ...second.blobs];
        pushed = { name, tag, digest, blobs, children: children.map((each) => each.digest) };
      }
      live.set(`${name}:${tag}`, pushed);
      await pull(pushed);
    }

    async function pull({ name, tag, digest, blobs, children }: Pushed): Promise<void> {
      const found = await store.manifests.find(name, { kind: 'tag', tag });
      if (found?.digest !== digest) broken.push(`${name}:${tag} is ${found?.digest}, not ${digest}`);
      for (const each of children) {
        const child = await store.manifests.find(name, { kind: 'digest', digest: each });
        if (child === undefined) broken.push(`${name}:${tag} lacks its child ${each}`);
      }
      for (const text of blobs) {
        const read = await readBlob(store, sha(text), name);
        if (String(read) !== text) broken.push(`${name}:${tag} lacks ${text}`);
      }
    }

    async function removeOne(client: number): Promise<void> {
      const own = [...live].filter(([, { tag }]) => tag.startsWith(`c${client}-`));
      const [key, { name, tag, digest }] = own[random(own.length)] ?? ['', {} as Pushed];
      if (key === '') return;
      live.delete(key);
      const isShared = own.some(([each, { digest: same }]) => each !== key && same === digest);
      if (isShared || random(2) === 0) await store.manifests.removeTag(name, tag, actor);
      else
        await store.manifests
          .remove(name, digest, actor)
          .catch(() => store.manifests.removeTag(name, tag, actor));
    }

    // How much a few pushes leave behind depends on how steps take turns: they go on until there was something to break.
    const isWanted = () => clock.pushes < pushes || (collected <= pushes / 10 && clock.pushes < pushes * 10);

    async function work(client: number): Promise<void> {
      while (isWanted() && broken.length === 0) {
        await pushOne(client).catch((error: Error) => broken.push(`refused: ${error.message}`));
        clock.pushes++;
        if (random(3) === 0) await removeOne(client);
      }
    }

    const working = Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
    const over = { now: false };
    void working.finally(() => (over.now = true));
    while (!over.now) {
      collected += (await store.collector.collect({ signal })).blobs;
      collections++;
      await nextTurn();
    }
    await working;
    assert.deepEqual(broken, []);

    const done = clock.pushes;
    for (const end = done + 3 * graceMs; clock.pushes < end; clock.pushes += graceMs) {
      await store.collector.collect({ signal });
    }
    for (const each of live.values()) await pull(each);
    const wanted = [...live.values()].flatMap(({ digest, blobs, children }) => [
      digest,
      ...children,
      ...blobs.map((text) => sha(text)),
    ]);
    const left = (await keysBelow(open.driver, 'docker/registry/v2/blobs')).map((key) =>
      key.split('/').at(-2),
    );

    assert.deepEqual(broken, []);
    assert.deepEqual(new Set(left), new Set(wanted.map((digest) => digest.slice('sha256:'.length))));
    t.diagnostic(`${collections} collections removed ${collected} blobs beside ${done} pushes`);
    assert.ok(collected > pushes / 10, `${collected} blobs were removed beside the pushes`);
  });
}
