/**
 * A mix of pushes, pulls, deletes and collections for SOAK_SECONDS: what a process takes must not grow with what it did. A few
 * seconds show that it works at all; how much grows in an hour takes minutes to see.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pushImage } from '../compat/content.ts';
import { isReadable, unreadableTags } from '../crash/tree.ts';
import { request } from '../support/http.ts';
import { berth, startRegistry } from '../support/registry.ts';
import { asStarted, freePort, linuxOnly, openDescriptors, residentMiB } from '../support/vitals.ts';

const seconds = Number(process.env['SOAK_SECONDS'] ?? 6);
/** From here on the first minutes, in which caches and the heap find their size, no longer decide. */
const isLong = seconds >= 600;
const collectEveryMs = isLong ? 20_000 : 2000;
const restMs = isLong ? 100 : 0;
const name = 'team/app';
const clients = 4;
const tagsPerClient = 10;
const pullsPerPush = 10;

/** One look; times in seconds since the start. */
interface Sample {
  readonly at: number;
  readonly mib: number;
  /** What the heap of JavaScript held, garbage included. */
  readonly heapMib: number;
  readonly descriptors: number;
  /** How late the event loop was since the look before, in milliseconds; 99 of 100 were less. */
  readonly lagMs: number;
}

test(`${seconds} s of pushes, pulls, deletes and collections`, linuxOnly, async (t) => {
  const metricsPort = await freePort();
  await using registry = await startRegistry({
    env: {
      ...asStarted,
      BERTH_STORAGE_COLLECT_GRACE: '1s',
      // What is kept stays the same: the index of what is stored is held in memory.
      BERTH_STORAGE_COLLECT_UNTAGGED: 'true',
      BERTH_STORAGE_TRASH: '0s',
      REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${metricsPort}`,
      REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: 'true',
    },
  });
  const { plainUrl: url, pid, dataDir } = registry;
  await pushImage(url, { name, tag: 'kept', layers: ['kept'] });
  const over = new AbortController();
  const count = { pushes: 0, pulls: 0, deletes: 0, collections: 0 };
  const samples: Sample[] = [];
  const startedAt = performance.now();

  async function work(client: number): Promise<void> {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const tag = `c${client}-${turn % tagsPerClient}`;
      const layers = [`shared ${turn % 5}`, randomBytes(8 * 1024).toString('base64')];
      await pushImage(url, { name, tag, layers });
      count.pushes++;
      assert.ok(await isReadable(url, name, tag), tag);
      for (let pull = 1; pull < pullsPerPush; pull++)
        assert.equal((await request(url, { path: `/v2/${name}/manifests/${tag}` })).status, 200);
      count.pulls += pullsPerPush;
      if (turn % 3 === 0) {
        const deleted = await request(url, { method: 'DELETE', path: `/v2/${name}/manifests/${tag}` });
        assert.equal(deleted.status, 202, String(deleted.body));
        count.deletes++;
      }
      await delay(restMs);
    }
  }

  async function every(ms: number, act: () => Promise<void>): Promise<void> {
    while (!over.signal.aborted) {
      await act();
      await delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    const { body } = await request(`http://127.0.0.1:${metricsPort}`, { path: '/metrics' });
    const valueOf = (metric: string): number =>
      Number(new RegExp(`^nodejs_${metric}(?:\\{.*\\})? (\\S+)$`, 'm').exec(String(body))?.[1]);
    samples.push({
      at: (performance.now() - startedAt) / 1000,
      mib: await residentMiB(pid),
      descriptors: await openDescriptors(pid),
      heapMib: valueOf('heap_size_used_bytes') / 1024 / 1024,
      lagMs: 1000 * valueOf('eventloop_lag_p99_seconds'),
    });
  }

  const end = setTimeout(() => over.abort(), 1000 * seconds);
  try {
    await Promise.all([
      ...Array.from({ length: clients }, (_, client) => work(client)),
      every(isLong ? 5000 : 500, look),
      every(collectEveryMs, async () => {
        await berth(dataDir, 'gc');
        count.collections++;
      }),
    ]);
  } finally {
    clearTimeout(end);
    over.abort();
  }

  assert.deepEqual(await unreadableTags(url, name), []);
  const settled = isLong ? samples.slice(Math.floor(samples.length / 4)) : samples;
  const memory = slopePerHour(settled.map(({ at, mib }) => [at, mib]));
  const mib = settled.map((each) => each.mib).toSorted((a, b) => a - b);
  const quarter = Math.ceil(settled.length / 4);
  // The least of each: connections come and go, and so does garbage.
  const [first, last] = leastOf(settled, quarter, 'descriptors');
  const [firstHeap, lastHeap] = leastOf(settled, quarter, 'heapMib');
  const lags = settled.map(({ lagMs }) => lagMs).toSorted((a, b) => a - b);
  const lag = lags[lags.length >> 1] ?? Number.NaN;
  t.diagnostic(
    `${seconds} s: ${count.pushes} pushes, ${count.pulls} pulls, ${count.deletes} deletes, ${count.collections} collections, 0 errors; ${mib[0]} to ${mib.at(-1)} MiB resident${isLong ? `, ${memory.toFixed(1)} MiB more an hour after the first quarter` : ''}; heap of ${firstHeap.toFixed(1)} MiB at least at first, ${lastHeap.toFixed(1)} at last; ${first} descriptors at first, ${last} at last; event loop late by ${lag.toFixed(0)} ms at most in 99 of 100 (median of ${lags.length} looks)`,
  );
  assert.ok(count.deletes > 0 && count.collections > 0 && samples.length > 2);
  assert.ok(lag < 1000, `the event loop was late by ${lag} ms`);
  assert.ok(last < first + 12, `${first} descriptors, then ${last}`);
  if (isLong) assert.ok(memory < 1, `${memory} MiB an hour`);
});

test('what grows is seen to grow', () => {
  const noisy = (perHour: number) =>
    Array.from({ length: 500 }, (_, at) => [at * 5, 100 + (perHour * at * 5) / 3600 + (at % 7)] as const);

  assert.ok(Math.abs(slopePerHour(noisy(0))) < 1);
  assert.ok(Math.abs(slopePerHour(noisy(5)) - 5) < 1);
});

/** The least of the first samples, and of the last. */
function leastOf(samples: readonly Sample[], count: number, what: 'descriptors' | 'heapMib') {
  const [first, last] = [samples.slice(0, count), samples.slice(-count)].map((part) =>
    Math.min(...part.map((each) => each[what])),
  );
  return [first ?? Number.NaN, last ?? Number.NaN] as const;
}

/** The slope of the line that is nearest to all points, from seconds to an hour. */
function slopePerHour(points: readonly (readonly [seconds: number, value: number])[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [at, value] = [meanOf(points.map(([x]) => x)), meanOf(points.map(([, y]) => y))];
  const spread = points.reduce((sum, [x]) => sum + (x - at) ** 2, 0);
  return (3600 * points.reduce((sum, [x, y]) => sum + (x - at) * (y - value), 0)) / spread;
}
