/** A collection beside requests. GARBAGE (default 100000) is how many blobs nobody needs. */
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from './client.ts';
import { limited, percentile, plainNumber, type Row, timed } from './figures.ts';
import { openAdmin, openTree } from './lists.ts';
import { ask } from './push.ts';
import { type Place, plain, startBerth } from './servers.ts';

const garbage = Number(process.env['GARBAGE'] ?? 100_000);
const alone = 3000;

export async function measureCollection(place: Place): Promise<readonly Row[]> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-collect-'));
  const tree = openTree(root.path);
  const image = tree.addImage({});
  tree.addRevision('bench/kept', image);
  tree.addTag('bench/kept', 'latest', image);
  for (let at = 0; at < garbage; at += 1) tree.addBlob(`nobody needs ${at}`);

  await using berth = await startBerth(place, plain, {
    dataDir: root.path,
    env: { BERTH_STORAGE_COLLECT_GRACE: '1ms' },
  });
  using client = await openAdmin(berth);
  using connection = await connect(berth.target);
  const request = () => timed(() => ask(connection, '/v2/bench/kept/manifests/latest'));
  // The first requests of a process are slow ones, and would make what is beside the collection look quick.
  for (let count = 0; count < alone; count += 1) await request();
  const without: number[] = [];
  for (let count = 0; count < alone; count += 1) without.push(await request());

  // What nobody needs is freed by the collection after the one that has seen it first.
  await client.call('collect.run', {});
  const over = new AbortController();
  let freed = 0;
  const collecting = timed(async () => {
    freed = (await client.call('collect.run', {})).blobs;
  }).finally(() => over.abort());
  const beside: number[] = [];
  do beside.push(await request());
  while (!over.signal.aborted);
  const seconds = await collecting;

  const [p99Alone, p99Beside] = [percentile(without, 0.99), percentile(beside, 0.99)];
  return [
    { name: `collection of ${freed} blobs`, berth: `${plainNumber(seconds)} s`, others: {} },
    { name: 'manifest GET alone, p99', berth: `${plainNumber(p99Alone * 1000)} ms`, others: {} },
    {
      name: 'manifest GET beside the collection, p99',
      berth: `${plainNumber(p99Beside * 1000)} ms`,
      others: {},
    },
    limited('the second beside the first', p99Beside / p99Alone, { unit: 'x', atMost: 2 }),
  ];
}
