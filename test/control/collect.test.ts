import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { checked } from '../../registry/driver/checked.ts';
import { openFsDriver } from '../../registry/driver/fs.ts';
import { sweepTemp } from '../../registry/disk/lock.ts';
import type { Digest } from '../../registry/spec/digest.ts';
import type { StoreEvents } from '../../registry/spec/events.ts';
import type { RepoName, Tag } from '../../registry/spec/names.ts';
import { createStore } from '../../registry/store/store.ts';
import { keysBelow, readBlob } from '../../registry/store/store.suite.ts';
import { brokenFiles } from '../crash/tree.ts';
import { batches, forEachOf } from '../support/parallel.ts';
import { childEnv } from '../support/process.ts';

const runs = Number(process.env['CRASH_RUNS'] ?? 10);
/** All that is there is read after each: in a directory of its own it does not become more and more. */
const runsPerDirectory = 10;
const name = 'team/app' as RepoName;
const { signal } = new AbortController();

/** Runs the child until it has collected some blobs since it last rested, kills it there, and answers what it said. */
async function runUntilKilled(root: string, run: number, collections: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'collect-child.ts'), root, `${run}`], {
    env: childEnv({ HOME: root }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const said: string[] = [];
  let since = 0;
  for await (const line of createInterface(child.stdout)) {
    said.push(line);
    if (line === 'collected' && ++since === collections) child.kill('SIGKILL');
    if (line === 'rested' && since < collections) since = 0;
  }
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  return said;
}

function openStore(driver: Awaited<ReturnType<typeof openFsDriver>>, monotonic: () => number) {
  return createStore({
    driver,
    events: new Proxy({} as StoreEvents, { get: () => () => undefined }),
    rules: () => ({ enabled: true, sparse: false, indexPlatforms: 'all', urls: { allow: [], deny: [] } }),
    uploadsPerUser: () => 100,
    trashKeepMs: () => 0,
    now: () => Date.now() + 3_600_000,
    monotonic,
    collect: { graceMs: () => 1, quarantineMs: 0 },
  });
}

test(`${runs} times kill -9 in the middle of a collection: every acknowledged image can be pulled`, async (t) => {
  const count = { pushed: 0, collected: 0, cut: 0 };
  await forEachOf(batches(runs, runsPerDirectory), 2, async (times) => {
    const { pushed, collected, cut } = await killAgain(times);
    count.pushed += pushed;
    count.collected += collected;
    count.cut += cut;
  });
  t.diagnostic(
    `${runs} kills, ${count.cut} in mid-collection; ${count.pushed} pushes, ${count.collected} blobs collected`,
  );
  assert.ok(count.cut > runs / 2, 'the kills met collections');
});

async function killAgain(times: number) {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-collect-'));
  const root = directory.path;
  await using driver = checked(await openFsDriver({ root }));
  /** Per tag what it may mean: the last acknowledged digest, and one that was under way. */
  const tags = new Map<string, Set<string>>();
  const clock = { now: 0 };
  const wanted = new Set<Digest>();
  let [pushed, collected, cut] = [0, 0, 0];

  for (let run = 0; run < times; run++) {
    const said = await runUntilKilled(root, run, 1 + (run % 5));
    for (const line of said) {
      const [what, tag = '', digest = ''] = line.split(' ');
      if (what === 'collected') collected++;
      if (what === 'pushing') tags.set(tag, (tags.get(tag) ?? new Set()).add(digest));
      if (what === 'pushed') tags.set(tag, new Set([digest]));
      if (what === 'pushed') pushed++;
    }
    if (said.lastIndexOf('collected') > said.lastIndexOf('rested')) cut++;
    await sweepTemp(root);

    assert.deepEqual(await brokenFiles(root), []);
    const store = openStore(driver, () => clock.now);
    wanted.clear();
    for (const [tag, meanings] of tags) {
      const found = await store.manifests.find(name, { kind: 'tag', tag: tag as Tag });
      assert.ok(found?.manifest, `${tag} can be pulled after kill ${run}`);
      assert.ok(meanings.has(found.digest), `${tag} means ${found.digest}`);
      meanings.clear();
      meanings.add(found.digest);
      wanted.add(found.digest);
      for (const each of [found.manifest.config, ...found.manifest.layers]) {
        assert.ok(each !== undefined);
        assert.ok(await readBlob(store, each.digest, name), `${each.digest} of ${tag} after kill ${run}`);
        wanted.add(each.digest);
      }
    }
  }

  const { collector } = openStore(driver, () => clock.now);
  for (let run = 0; run < 3; run++) {
    clock.now += 2;
    await collector.collect({ signal });
  }
  const left = (await keysBelow(driver, 'docker/registry/v2/blobs')).map((key) => key.split('/').at(-2));
  assert.deepEqual(new Set(left), new Set([...wanted].map((digest) => digest.slice('sha256:'.length))));
  return { pushed, collected, cut };
}
