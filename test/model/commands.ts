/** What can be done to a registry: each as a request, the answer it must get, and what it changes step by step. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { AdminResults } from '../../registry/spec/admin-api.ts';
import type { Answer } from '../support/http.ts';
import {
  closureOf,
  describeTrashed,
  type Model,
  neededBlobs,
  repositoryOf,
  type Step,
  type Trashed,
  type Upload,
  type View,
  viewOf,
} from './oracle.ts';
import type { Real } from './registry-view.ts';

/** One request that may change something. */
interface Deed {
  /** The statuses it may get; more than one only where a killed push left the truth open. */
  readonly wanted: readonly number[];
  /** What it changes when it succeeds, in the order in which a crash would show it. */
  readonly steps: readonly Step[];
  /** What a kill may leave when it is more than the steps: what the answer would have told. */
  readonly mayHappen?: readonly Step[];
  readonly act: (real: Real) => Promise<Answer>;
  /** Takes what only the answer tells into the model: where an upload goes on. */
  readonly learn?: (model: Model, answer: Answer) => void;
}

type Plan = (model: Model) => Deed | undefined;
type Command = fc.AsyncCommand<Model, Real>;

/** The commands of a run. */
export function commands(size: number): fc.Arbitrary<Iterable<Command>> {
  const plan = fc.oneof(
    { weight: 6, arbitrary: blobPushes },
    { weight: 2, arbitrary: mounts },
    { weight: 8, arbitrary: manifestPushes },
    { weight: 5, arbitrary: deletes },
    { weight: 8, arbitrary: uploads },
  );
  const deed = fc.oneof(
    { weight: 27, arbitrary: plan.map(([name, make]) => command(name, make)) },
    { weight: 5, arbitrary: repairs.map(([name, make]) => command(name, make)) },
    { weight: 4, arbitrary: wholes.map(([name, make]) => command(name, make)) },
    { weight: 5, arbitrary: fc.constant(collected) },
  );
  const cut = fc
    .tuple(fc.oneof({ weight: 4, arbitrary: plan }, { weight: 1, arbitrary: repairs }), fc.nat({ max: 30 }))
    .map(([[name, make], ms]) => killed(`${name}, killed after ${ms} ms`, make, ms));
  const restart = fc.constantFrom('SIGTERM' as const, 'SIGKILL' as const).map(restarted);
  // A restart takes as long as a hundred other commands.
  const often = Array.from({ length: 120 }, () => deed);
  return fc.commands([...often, cut, restart], { maxCommands: size, size: 'max' });
}

/** Brings a run half of the way: a repository with every blob, some images and tags; open uploads. */
export async function prepare(model: Model, real: Real): Promise<void> {
  const { repositories, blobs, manifests, tags } = model.contents;
  const name = pick(repositories, 0);
  for (const { digest, bytes } of blobs) {
    await pushBlob(real, { repository: name, digest, bytes, how: 'one POST' });
    linkBlob(name, digest)(model);
  }
  for (const [index, { digest, bytes, mediaType }] of manifests.slice(0, tags.length).entries()) {
    const tag = pick(tags, index);
    const headers = { 'content-type': mediaType };
    await real.send('PUT', `/v2/${name}/manifests/${tag}`, { body: bytes, headers });
    repositoryOf(model, name).manifests.add(digest);
    repositoryOf(model, name).tags.set(tag, digest);
  }
  for (const each of repositories) {
    startUpload(model, each, await real.send('POST', `/v2/${each}/blobs/uploads/`));
  }
  await compare(model, real);
}

/** Ends what a run leaves open: the runs share one registry, where one client may have a hundred uploads. */
export async function cancelUploads(model: Model, { send }: Real): Promise<void> {
  for (const { location } of model.uploads) await send('DELETE', location);
}

function command(name: string, plan: Plan): Command {
  return {
    check: (model) => plan(model) !== undefined,
    async run(model, real) {
      const deed = plan(model);
      assert.ok(deed);
      const answer = await deed.act(real);
      assert.ok(deed.wanted.includes(answer.status), `${name}: ${answer.status} ${String(answer.body)}`);
      if (answer.status < 300) for (const step of deed.steps) step(model);
      deed.learn?.(model, answer);
      await compare(model, real);
    },
    toString: () => name,
  };
}

function restarted(signal: 'SIGTERM' | 'SIGKILL'): Command {
  return {
    check: () => true,
    async run(model, real) {
      await real.restart(signal);
      await compare(model, real);
    },
    toString: () => `restart by ${signal}`,
  };
}

/** A kill in mid-request: what was answered is done; else any number of the steps may have happened. */
function killed(name: string, plan: Plan, afterMs: number): Command {
  return {
    check: (model) => plan(model) !== undefined,
    async run(model, real) {
      const deed = plan(model);
      assert.ok(deed);
      const answering = deed.act(real).catch(() => undefined);
      await delay(afterMs);
      await real.restart('SIGKILL');
      const answer = await answering;

      const isDone = answer !== undefined && answer.status < 300;
      if (answer !== undefined) {
        assert.ok(deed.wanted.includes(answer.status), `${name}: ${answer.status} ${String(answer.body)}`);
        deed.learn?.(model, answer);
      }
      const seen = await real.look(viewOf(model), prefixOf(model));
      for (const step of isDone ? deed.steps : (deed.mayHappen ?? deed.steps)) {
        if (!isDone && sameView(viewOf(model), seen)) break;
        step(model);
      }
      if (!isDone) for (const each of model.contents.blobs) leaveOpen(model, each.digest);
      await compare(model, real);
    },
    toString: () => name,
  };
}

function leaveOpen(model: Model, digest: string): void {
  if (!model.stored.has(digest)) model.stored.set(digest, 'maybe');
}

async function compare(model: Model, real: Real): Promise<void> {
  const wanted = viewOf(model);
  const seen = await real.look(wanted, prefixOf(model));
  const wrong = Object.keys(wanted).filter((place) => !sameView([wanted[place]], [seen[place]]));
  const only = (view: View) => Object.fromEntries(wrong.map((place) => [place, view[place]]));
  assert.deepEqual(only(seen), only(wanted));
}

function sameView(a: object, b: object): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

function prefixOf({ contents }: Model): string {
  return `${contents.repositories[0]?.split('/')[0] ?? ''}/`;
}

const at = fc.nat({ max: 1000 });
// Mostly the first repository, so that commands meet what others left.
const where = fc.constantFrom(0, 0, 0, 1);
const pick = <T>(list: readonly T[], index: number): T => {
  const found = list[index % list.length];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

function linkBlob(name: string, digest: string): Step {
  return (model) => {
    repositoryOf(model, name).blobs.add(digest);
    model.stored.set(digest, 'yes');
  };
}

/** Links the blob, and takes that back. */
function linkForNow(name: string, digest: string): readonly Step[] {
  let before: { readonly isLinked: boolean; readonly stored: 'yes' | 'maybe' | undefined } | undefined;
  return [
    (model) => {
      before = {
        isLinked: repositoryOf(model, name).blobs.has(digest),
        stored: model.stored.get(digest),
      };
      linkBlob(name, digest)(model);
    },
    (model) => {
      if (before?.isLinked === false) repositoryOf(model, name).blobs.delete(digest);
      if (before?.stored === undefined) model.stored.delete(digest);
      else model.stored.set(digest, before.stored);
    },
  ];
}

const blobPushes = fc
  .tuple(where, at, fc.constantFrom('one POST', 'POST and PUT', 'chunks', 'a stream'))
  .map(([name, blob, how]): [string, Plan] => [
    `push blob ${blob} to ${name} by ${how}`,
    (model) => {
      const repository = pick(model.contents.repositories, name);
      const { digest, bytes } = pick(model.contents.blobs, blob);
      return {
        wanted: [201],
        steps: [linkBlob(repository, digest)],
        act: (real) => pushBlob(real, { repository, digest, bytes, how }),
      };
    },
  ]);

async function pushBlob(
  { send }: Real,
  { repository, digest, bytes, how }: { repository: string; digest: string; bytes: Buffer; how: string },
): Promise<Answer> {
  const path = `/v2/${repository}/blobs/uploads/`;
  if (how === 'one POST') return await send('POST', `${path}?digest=${digest}`, { body: bytes });
  let location = locationOf(await send('POST', path));
  if (how === 'POST and PUT') return await send('PUT', `${location}&digest=${digest}`, { body: bytes });
  const half = Math.floor(bytes.length / 2);
  for (const [start, end] of how === 'chunks'
    ? ([
        [0, half],
        [half, bytes.length],
      ] as const)
    : ([[0, bytes.length]] as const)) {
    const headers = how === 'chunks' && end > start ? { 'content-range': `${start}-${end - 1}` } : {};
    const patched = await send('PATCH', location, { body: bytes.subarray(start, end), headers });
    assert.equal(patched.status, 202, String(patched.body));
    location = locationOf(patched);
  }
  return await send('PUT', `${location}&digest=${digest}`);
}

function locationOf({ status, headers, body }: Answer): string {
  assert.equal(status, 202, String(body));
  return headers['location'] ?? '';
}

const mounts = fc.tuple(where, at, fc.boolean()).map(([name, blob, withFrom]): [string, Plan] => [
  `mount blob ${blob} in ${name}${withFrom ? ' from the other' : ''}`,
  (model) => {
    const repository = pick(model.contents.repositories, name);
    const from = pick(model.contents.repositories, name + 1);
    const { digest, bytes } = pick(model.contents.blobs, blob);
    // Every run has the empty blob.
    const truth = bytes.length === 0 ? 'maybe' : model.stored.get(digest);
    return {
      wanted: truth === 'yes' ? [201] : truth === 'maybe' ? [201, 202] : [202],
      steps: [],
      mayHappen: truth === undefined ? [] : [linkBlob(repository, digest)],
      act: ({ send }) =>
        send('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}${withFrom ? `&from=${from}` : ''}`),
      learn(later, answer) {
        if (answer.status === 201) linkBlob(repository, digest)(later);
        else startUpload(later, repository, answer);
      },
    };
  },
]);

function startUpload(model: Model, repository: string, answer: Answer): void {
  model.uploads.push({ repository, location: locationOf(answer), bytes: Buffer.alloc(0) });
}

const manifestPushes = fc
  .tuple(where, at, fc.constantFrom('tag', 'digest', 'tags'), at)
  .map(([name, manifest, by, tag]): [string, Plan] => [
    `put manifest ${manifest} to ${name} by ${by} ${tag}`,
    (model) => {
      const repository = pick(model.contents.repositories, name);
      const { digest, mediaType, bytes, blobs, children } = pick(model.contents.manifests, manifest);
      const here = repositoryOf(model, repository);
      const isWhole =
        blobs.every((each) => here.blobs.has(each)) && children.every((each) => here.manifests.has(each));
      const first = pick(model.contents.tags, tag);
      const tags = { tag: [first], digest: [], tags: [first, pick(model.contents.tags, tag + 1)] }[by];
      const query = by === 'tags' ? `?${tags.map((each) => `tag=${each}`).join('&')}` : '';
      return {
        wanted: [isWhole ? 201 : 400],
        steps: isWhole
          ? [
              (later) => void repositoryOf(later, repository).manifests.add(digest),
              ...tags.map((each): Step => (later) => {
                repositoryOf(later, repository).tags.set(each, digest);
              }),
            ]
          : [],
        act: ({ send }) =>
          send('PUT', `/v2/${repository}/manifests/${by === 'tag' ? first : digest}${query}`, {
            body: bytes,
            headers: { 'content-type': mediaType },
          }),
      };
    },
  ]);

const deletes = fc
  .tuple(where, at, fc.constantFrom('tag', 'manifest', 'manifest', 'blob'))
  .map(([name, index, kind]): [string, Plan] => [
    `delete ${kind} ${index} of ${name}`,
    (model) => {
      const repository = pick(model.contents.repositories, name);
      const deed = { tag: deleteTag, manifest: deleteManifest, blob: deleteBlob }[kind](
        model,
        repository,
        index,
      );
      return { ...deed, act: ({ send }) => send('DELETE', `/v2/${repository}/${deed.place}`) };
    },
  ]);

/** What the trash and the history give back. */
const repairs = fc
  .tuple(where, at, fc.constantFrom('restore', 'restore', 'set tag'))
  .map(([name, index, what]): [string, Plan] => [
    `${what} ${index} of ${name}`,
    (model) => {
      if (what === 'set tag') return setTag(model, pick(model.contents.repositories, name), index);
      return model.trash.length === 0 ? undefined : restore(model, pick(model.trash, index));
    },
  ]);

function setTag(model: Model, repository: string, index: number): Deed {
  const here = repositoryOf(model, repository).manifests;
  const all = model.contents.manifests.map((each) => each.digest);
  const digest = pickHere(all, here, index);
  const tag = pick(model.contents.tags, index);
  return {
    wanted: [here.has(digest) ? 200 : 404],
    steps: [(later) => void repositoryOf(later, repository).tags.set(tag, digest)],
    act: ({ call }) => call('tags.set', { repository, tag, digest }),
  };
}

function restore(model: Model, entry: Trashed): Deed {
  const { repository, digest, tags } = entry;
  const wanted = describeTrashed(entry);
  return {
    wanted: [200],
    steps: [
      ...closureOf(model, digest).flatMap((each): Step[] => [
        ...new Set(each.blobs).values().map((blob) => linkBlob(repository, blob)),
        (later) => void repositoryOf(later, repository).manifests.add(each.digest),
      ]),
      ...tags.map((tag): Step => (later) => {
        const known = repositoryOf(later, repository).tags;
        if (!known.has(tag)) known.set(tag, digest);
      }),
      (later) => {
        const place = later.trash.findIndex((each) => describeTrashed(each) === wanted);
        later.trash = later.trash.toSpliced(place, 1);
      },
    ],
    async act({ call, trash }) {
      const row = (await trash(prefixOf(model))).find((each) => describeTrashed(each) === wanted);
      return await call('trash.restore', { id: row?.id ?? '' });
    },
  };
}

function throwAway(entry: Trashed): Step {
  return (model) => void model.trash.push(entry);
}

/** What takes many steps side by side, so that a kill could leave any of them. */
const wholes = fc
  .tuple(
    where,
    at,
    fc.constantFrom('delete repository', 'retain by rules', 'empty the trash', 'rebuild the index'),
  )
  .map(([name, index, what]): [string, Plan] => [
    `${what} ${index} of ${name}`,
    (model) => {
      const repository = pick(model.contents.repositories, name);
      switch (what) {
        case 'delete repository':
          return deleteRepository(model, repository);
        case 'retain by rules':
          return retain(model, repository, pick(model.contents.tags, index));
        case 'empty the trash':
          return {
            wanted: [200],
            act: (real) => real.call('trash.empty', {}),
            steps: [(later) => void (later.trash = [])],
          };
        case 'rebuild the index':
          return { wanted: [200], act: (real) => real.call('index.rebuild', {}), steps: [] };
        default:
          throw new Error(`no command ${String(what)}`);
      }
    },
  ]);

/** A rule that keeps nothing of one tag is simulated, saved, run, and taken back. */
function retain(model: Model, repository: string, tag: string): Deed {
  const { tags } = repositoryOf(model, repository);
  const digest = tags.get(tag);
  const gone = digest === undefined ? [] : doomedWith(model, repository, tag, digest);
  return {
    wanted: [200],
    steps:
      digest === undefined
        ? []
        : [
            throwAway({ repository, digest, tags: [tag] }),
            (later) => {
              const here = repositoryOf(later, repository);
              here.tags.delete(tag);
              for (const each of gone) here.manifests.delete(each);
            },
          ],
    async act({ call }) {
      const save = async (retention: readonly object[]): Promise<void> => {
        const simulated = await call('rules.simulate', { rules: { retention: [...retention] as never } });
        const { outcome } = simulated.json() as AdminResults['rules.simulate'];
        const confirmCount = outcome.deletedTags;
        const saved = await call('rules.set', {
          rules: { retention: [...retention] as never },
          plan: outcome.plan,
          confirmCount,
        });
        assert.equal(saved.status, 200, String(saved.body));
      };
      await save([{ id: 'model', repositories: [repository], tags: [tag] }]);
      const answer = await call('rules.run', {});
      await save([]);
      return answer;
    },
  };
}

/** What goes with a tag: its manifest unless another tag or an index needs it, and then what only that one listed. */
function doomedWith(model: Model, repository: string, tag: string, digest: string): readonly string[] {
  const { manifests, tags } = repositoryOf(model, repository);
  const tagged = new Set([...tags].flatMap(([other, means]) => (other === tag ? [] : [means])));
  const here = model.contents.manifests.filter((each) => manifests.has(each.digest));
  const doomed = new Set<string>();
  const waiting = [digest];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const wanted = next;
    const parents = here.filter(({ children }) => children.includes(wanted));
    if (tagged.has(wanted) || parents.some((parent) => !doomed.has(parent.digest))) continue;
    doomed.add(wanted);
    waiting.push(...(here.find((each) => each.digest === wanted)?.children ?? []));
  }
  return [...doomed];
}

function deleteRepository(model: Model, repository: string): Deed {
  const { manifests, tags } = repositoryOf(model, repository);
  const contents = model.contents.manifests.filter(({ digest }) => manifests.has(digest));
  const listed = new Set(contents.flatMap(({ children }) => children));
  const entries = contents.map(({ digest }) => ({
    repository,
    digest,
    tags: [...tags].flatMap(([tag, means]) => (means === digest ? [tag] : [])).toSorted(),
  }));
  return {
    wanted: [manifests.size > 0 ? 200 : 404],
    steps: [
      ...model.uploads
        .filter((each) => each.repository === repository)
        .map(({ location }) => endUpload(location)),
      // What an index lists goes with it, unless a tag means it.
      ...entries.filter(({ digest, tags: names }) => names.length > 0 || !listed.has(digest)).map(throwAway),
      (later) => {
        const here = repositoryOf(later, repository);
        for (const part of [here.blobs, here.manifests, here.tags]) part.clear();
      },
    ],
    act: ({ call }) => call('repositories.delete', { repository }),
  };
}

/** A collection may take what nothing needs, and not yet: what it did is looked up. What is needed must stay. */
const collected: Command = {
  check: () => true,
  async run(model, real) {
    for (let round = 0; round < 2; round++) {
      assert.equal((await real.call('collect.run', {})).status, 200);
    }
    model.trash = model.trash.filter((entry) => !isMoot(model, entry));
    const needed = neededBlobs(model);
    for (const { digest } of model.contents.blobs.filter((each) => !needed.has(each.digest))) {
      const places = model.contents.repositories.map((name) => [name, `${name}/blobs/${digest}`] as const);
      const seen = await real.look(Object.fromEntries(places.map(([, place]) => [place, digest])), '');
      for (const [name, place] of places) {
        if (seen[place] === 404 && repositoryOf(model, name).blobs.delete(digest)) real.collected++;
      }
      const isLinked = places.some(([name]) => repositoryOf(model, name).blobs.has(digest));
      if (!isLinked && model.stored.has(digest)) model.stored.set(digest, 'maybe');
    }
    await compare(model, real);
  },
  toString: () => 'collect',
};

/** All that the entry could give back is there again. */
function isMoot(model: Model, { repository, digest, tags }: Trashed): boolean {
  const here = repositoryOf(model, repository);
  return here.manifests.has(digest) && tags.every((tag) => here.tags.get(tag) === digest);
}

/** Mostly something that is there. */
function pickHere(all: readonly string[], here: { has(one: string): boolean }, index: number): string {
  const present = all.filter((each) => here.has(each));
  return pick(present.length === 0 || index % 4 === 0 ? all : present, index);
}

type Deletion = Pick<Deed, 'wanted' | 'steps'> & { readonly place: string };

function deleteTag(model: Model, repository: string, index: number): Deletion {
  const tag = pickHere(model.contents.tags, repositoryOf(model, repository).tags, index);
  const isHere = repositoryOf(model, repository).tags.has(tag);
  return {
    place: `manifests/${tag}`,
    wanted: [isHere ? 202 : 404],
    steps: [
      throwAway({ repository, digest: repositoryOf(model, repository).tags.get(tag) ?? '', tags: [tag] }),
      (later) => void repositoryOf(later, repository).tags.delete(tag),
    ],
  };
}

function deleteManifest(model: Model, repository: string, index: number): Deletion {
  const { manifests, tags } = repositoryOf(model, repository);
  const all = model.contents.manifests.map((each) => each.digest);
  const digest = pickHere(all, manifests, index);
  const isUsed = model.contents.manifests.some(
    (each) => manifests.has(each.digest) && each.children.includes(digest),
  );
  const meant = [...tags].flatMap(([tag, means]) => (means === digest ? [tag] : [])).toSorted();
  return {
    place: `manifests/${digest}`,
    wanted: [!manifests.has(digest) ? 404 : isUsed ? 405 : 202],
    steps: [
      throwAway({ repository, digest, tags: meant }),
      ...meant.map(
        (tag): Step =>
          (later) =>
            void repositoryOf(later, repository).tags.delete(tag),
      ),
      (later) => void repositoryOf(later, repository).manifests.delete(digest),
    ],
  };
}

function deleteBlob(model: Model, repository: string, index: number): Deletion {
  const { digest } = pick(model.contents.blobs, index);
  const { manifests, blobs } = repositoryOf(model, repository);
  const isUsed = model.contents.manifests.some(
    (each) => manifests.has(each.digest) && each.blobs.includes(digest),
  );
  return {
    place: `blobs/${digest}`,
    wanted: [!blobs.has(digest) ? 404 : isUsed ? 405 : 202],
    steps: [(later) => void repositoryOf(later, repository).blobs.delete(digest)],
  };
}

const uploads = fc
  .tuple(at, fc.constantFrom('start', 'append', 'append', 'misplace', 'finish', 'spoil', 'abort', 'late'), at)
  .map(([index, what, size]): [string, Plan] => [
    `${what} upload ${index}`,
    (model) => {
      if (what === 'start') return startDeed(pick(model.contents.repositories, index));
      const list = what === 'late' ? model.ended : model.uploads;
      return list.length === 0 ? undefined : uploadDeeds[what](pick(list, index), size);
    },
  ]);

function startDeed(repository: string): Deed {
  return {
    wanted: [202],
    steps: [],
    act: ({ send }) => send('POST', `/v2/${repository}/blobs/uploads/`),
    learn: (model, answer) => startUpload(model, repository, answer),
  };
}

const uploadDeeds: Readonly<Record<string, (upload: Upload, size: number) => Deed>> & {
  readonly [what in 'append' | 'misplace' | 'finish' | 'spoil' | 'abort' | 'late']: (
    upload: Upload,
    size: number,
  ) => Deed;
} = {
  append({ location, bytes }, size) {
    const chunk = Buffer.from(`chunk ${size}`);
    const range = `${bytes.length}-${bytes.length + chunk.length - 1}`;
    const headers: Record<string, string> = size % 2 === 0 ? { 'content-range': range } : {};
    return {
      wanted: [202],
      // A crash may keep any number of the bytes.
      steps: [...chunk].map((byte): Step => (model) => {
        const upload = model.uploads.find((each) => each.location === location);
        if (upload !== undefined) upload.bytes = Buffer.concat([upload.bytes, Buffer.of(byte)]);
      }),
      act: ({ send }) => send('PATCH', location, { body: chunk, headers }),
    };
  },
  misplace: ({ location, bytes }) => ({
    wanted: [416],
    steps: [],
    act: ({ send }) =>
      send('PATCH', location, {
        body: 'x',
        headers: { 'content-range': `${bytes.length + 1}-${bytes.length + 1}` },
      }),
  }),
  finish({ repository, location, bytes }) {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return {
      wanted: [201],
      steps: [endUpload(location), linkBlob(repository, digest)],
      // Bytes that were stored before are linked first, and the upload ends then.
      mayHappen: [...linkForNow(repository, digest), endUpload(location), linkBlob(repository, digest)],
      act: ({ send }) => send('PUT', `${location}&digest=${digest}`),
    };
  },
  spoil: ({ location, bytes }) => ({
    wanted: [400],
    steps: [],
    act: ({ send }) =>
      send(
        'PUT',
        `${location}&digest=sha256:${createHash('sha256').update(bytes).update('x').digest('hex')}`,
      ),
    mayHappen: [endUpload(location)],
    learn: endUpload(location),
  }),
  abort: ({ location }) => ({
    wanted: [204],
    steps: [endUpload(location)],
    act: ({ send }) => send('DELETE', location),
  }),
  late: ({ location }, size) => ({
    wanted: [404],
    steps: [],
    act: ({ send }) =>
      send(pick(['PATCH', 'DELETE', 'GET'], size), location, size % 3 === 0 ? { body: 'x' } : {}),
  }),
};

function endUpload(location: string): Step {
  return (model) => {
    const ended = model.uploads.filter((each) => each.location === location);
    model.uploads = model.uploads.filter((each) => each.location !== location);
    model.ended.push(...ended);
  };
}
