/** The process itself. START_TAGS (default 100000) is how many tags lie there when it starts. */
import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { limited, median, memoryOf, type Row, runs } from './figures.ts';
import { makeLists } from './lists.ts';
import { pushImage } from './push.ts';
import { type Place, plain, type Server, startBerth } from './servers.ts';
import { makeImage, pullAtOnce } from './transfers.ts';

const tags = Number(process.env['START_TAGS'] ?? 100_000);
/** Jobs that follow a start are over by then. */
const calmMs = 5000;

export async function measureProcess(place: Place): Promise<readonly Row[]> {
  return [await measureStart(place), ...(await measureMemory(place)), await measureDelay(place)];
}

async function measureStart(place: Place): Promise<Row> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-start-'));
  makeLists(root.path, { tags, repositories: 0 });
  const times: number[] = [];
  for (let round = 0; round < runs; round += 1) {
    await using berth = await startBerth(place, plain, { dataDir: root.path });
    times.push(berth.startMs);
  }
  return limited(`start to the first answer, ${tags} tags`, median(times), { unit: 'ms', atMost: 1000 });
}

async function measureMemory(place: Place): Promise<readonly Row[]> {
  await using berth = await startBerth(place, plain);
  await delay(calmMs);
  const { now } = await memoryOf(berth.pid);
  await pullOften(berth);
  const { peak } = await memoryOf(berth.pid);
  return [
    limited('memory, idle', now, { unit: 'MiB', atMost: 120 }),
    limited('memory, peak under 100 clients', peak, { unit: 'MiB', atMost: 300 }),
  ];
}

/** In a process of its own, since what measures takes memory. */
async function measureDelay(place: Place): Promise<Row> {
  using root = mkdtempDisposableSync(join(tmpdir(), 'berth-bench-load-'));
  const file = join(root.path, 'delay');
  {
    await using berth = await startBerth(place, plain, {
      node: ['--import', join(import.meta.dirname, 'loop-delay.ts')],
      env: { DELAY_FILE: file },
    });
    await delay(calmMs);
    await pullOften(berth);
  }
  return limited('delay of the event loop under 100 clients, p99', Number(readFileSync(file, 'utf8')), {
    unit: 'ms',
    atMost: 50,
  });
}

async function pullOften(berth: Server): Promise<void> {
  const image = makeImage();
  await pushImage(berth.target, 'bench/shared', image);
  for (let round = 0; round < runs; round += 1) await pullAtOnce(berth, image);
}
