/**
 * Pushes images to a few tags beside a collector that never rests, on the data directory that is named, until it is
 * killed. Says on its standard output what it is about to push, what is pushed, and what is collected.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checked } from '../../registry/driver/checked.ts';
import { openFsDriver } from '../../registry/driver/fs.ts';
import type { StoreEvents } from '../../registry/spec/events.ts';
import type { RepoName } from '../../registry/spec/names.ts';
import { createStore } from '../../registry/store/store.ts';
import { descriptorOf, manifestOf, pushBlob, putManifest, sha } from '../../registry/store/store.suite.ts';

const [root = '', run = ''] = process.argv.slice(2);
const name = 'team/app' as RepoName;
// A tick of the clock is a push, so that a slow computer does not end a grace time in the middle of one.
let pushes = 0;

function say(...words: readonly string[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

const events = new Proxy({} as StoreEvents, {
  get: (_, event) => (event === 'blobCollected' ? () => say('collected') : () => undefined),
});
const store = createStore({
  driver: checked(await openFsDriver({ root })),
  events,
  rules: () => ({ enabled: true, sparse: false, indexPlatforms: 'all', urls: { allow: [], deny: [] } }),
  uploadsPerUser: () => 100,
  trashKeepMs: () => 0,
  now: () => Date.now() + 3_600_000,
  monotonic: () => pushes,
  collect: { graceMs: () => 12, quarantineMs: 0 },
});

async function push(tag: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    const config = `config ${turn % 7}`;
    const layers = [`layer ${Math.floor(Math.random() * 60)}`, `${tag} ${run} ${turn}`];
    for (const text of [config, ...layers]) {
      if ((await store.blobs.find(name, sha(text))) === undefined) await pushBlob(store, name, text);
    }
    const bytes = manifestOf({
      config: descriptorOf(config),
      layers: layers.map((text) => descriptorOf(text)),
    });
    say('pushing', tag, sha(bytes));
    await putManifest(store, bytes, { name, tags: [tag] });
    say('pushed', tag, sha(bytes));
    pushes++;
  }
}

async function collect(): Promise<void> {
  const { signal } = new AbortController();
  for (;;) {
    await store.collector.collect({ signal });
    say('rested');
    await nextTurn();
  }
}

await Promise.all([...['a', 'b', 'c'].map(push), collect()]);
