/**
 * `npm run bench -- scale`: how starts, lists and the marking of a collection grow with the number of tags. Half of the
 * tags are in one repository, the rest are in repositories of five. Each tag has a manifest, a config and a layer of its
 * own; layers are sparse files. SIZES (default 1000,10000,100000) are numbers of tags.
 */
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { writeBundle } from '../../build/bundle.ts';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import { repositorySorts, tagOrders } from '../../registry/spec/admin/content.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';
import { large } from '../support/tree.ts';

const sizes = (process.env['SIZES'] ?? '1000,10000,100000').split(',').map(Number);
const rounds = 100;
/** Milliseconds without a turn after which the time of a request is this process's own. */
const mostPauseMs = 20;
const treeProgram = join(import.meta.dirname, '../support/tree.ts');

type Figures = ReadonlyMap<string, string>;

await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-scale-'));
await writeBundle(join(directory.path, 'cli'));
// The registry is started as users start it.
process.env['BERTH_CLI'] = join(directory.path, 'cli', 'berth.mjs');
const { startRegistry } = await import('../support/registry.ts');

const columns: Figures[] = [];
for (const size of sizes) columns.push(await measure(size));
for (const name of columns[0]?.keys() ?? []) {
  const cells = columns.map((figures) => (figures.get(name) ?? '').padStart(24));
  process.stdout.write(`${name.padEnd(44)}${cells.join('')}\n`);
}

async function measure(tags: number): Promise<Figures> {
  const figures = new Map<string, string>([['tags', String(tags)]]);
  const dataDir = join(directory.path, String(tags));
  // By a process of its own: what that leaves in the memory of this one would slow down what is measured here.
  await succeed(process.execPath, [treeProgram, dataDir, String(tags / 2), String(tags / 2)], {
    timeoutMs: 1_800_000,
  });
  const start = performance.now();
  await using registry = await startRegistry({ dataDir, startTimeoutMs: 120_000 });
  figures.set('start to first 200', milliseconds(performance.now() - start));

  using client = await openClient(dataDir);
  const get = () => request(registry.plainUrl, { path: `/v2/${large}/manifests/t0` });
  const indexing = performance.now();
  figures.set('slowest pull while the index is built', await slowestWhile(get, untilReady(client)));
  figures.set('index built', milliseconds(performance.now() - indexing));

  for (const sort of repositorySorts) {
    const list = (after?: string) => client.call('repositories.list', { sort, limit: 100, after });
    figures.set(`repositories by ${sort}, page p99`, await pages(list));
  }
  for (const sort of tagOrders) {
    const list = (after?: string) => client.call('tags.list', { repository: large, sort, limit: 100, after });
    figures.set(`tags by ${sort}, page p99`, await pages(list));
  }
  for (const path of ['/v2/_catalog', `/v2/${large}/tags/list`]) {
    figures.set(`${path} page p99`, await linkedPages(registry.plainUrl, path));
  }
  const marking = performance.now();
  const plan = client.call('collect.plan', {});
  figures.set('slowest pull while a collection marks', await slowestWhile(get, plan));
  figures.set('marking', milliseconds(performance.now() - marking));
  const status = await readFile(`/proc/${registry.pid}/status`, 'utf8');
  figures.set('RSS peak, MiB', String(Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024)));
  await registry.stop();
  return figures;
}

async function untilReady(client: AdminClient): Promise<void> {
  while ((await client.call('status.get', {})).index !== 'ready') await delay(5);
}

/**
 * The slowest of the requests that are sent one after the other until the work is done. One during which this process
 * itself had no turn tells nothing of the registry: those are counted, with the longest such pause, and left out.
 */
async function slowestWhile(act: () => Promise<unknown>, work: Promise<unknown>): Promise<string> {
  const over = new AbortController();
  const own = monitorEventLoopDelay({ resolution: 1 });
  own.enable();
  const done = work.finally(() => over.abort());
  let slowest = 0;
  let count = 0;
  let leftOut = 0;
  let longestPauseMs = 0;
  do {
    own.reset();
    const took = await timeOf(act);
    const pauseMs = own.max / 1e6;
    count += 1;
    if (pauseMs > mostPauseMs) leftOut += 1;
    else slowest = Math.max(slowest, took);
    longestPauseMs = Math.max(longestPauseMs, pauseMs);
  } while (!over.signal.aborted);
  await done;
  own.disable();
  const pauses = leftOut === 0 ? '' : ` (${leftOut} of ${count} left out: ${milliseconds(longestPauseMs)})`;
  return milliseconds(slowest) + pauses;
}

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** The 99th percentile over the first pages of a list. */
async function pages(list: (after?: string) => Promise<{ readonly next?: string }>): Promise<string> {
  const times: number[] = [];
  let after: string | undefined;
  for (let round = 0; round < rounds; round += 1) {
    times.push(
      await timeOf(async () => {
        after = (await list(after)).next;
      }),
    );
  }
  return milliseconds(percentile(times));
}

/** The same for lists of the distribution API, by their Link headers. */
async function linkedPages(url: string, path: string): Promise<string> {
  const times: number[] = [];
  const first = `${path}?n=100`;
  let next = first;
  for (let round = 0; round < rounds; round += 1) {
    times.push(
      await timeOf(async () => {
        const { headers } = await request(url, { path: next });
        next = /<([^>]+)>/.exec(String(headers['link'] ?? ''))?.[1] ?? first;
      }),
    );
  }
  return milliseconds(percentile(times));
}

function percentile(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
