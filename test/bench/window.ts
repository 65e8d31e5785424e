/**
 * `npm run bench -- window`: how quick the window is in Chromium, beside 10,000 tags and a log of 2,000 lines a second.
 * LOG_SECONDS (default 60) is how long the log is measured once it is full, LOG_LINES (default 2000) how many come a second.
 * Prints each figure with its budget; ends with 1 where one is beyond. A task's own time is what it kept a processor busy
 * for; on a machine that has other things to do it is far from the time that went by.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { writeBundle } from '../../build/bundle.ts';
import { openClient } from '../../registry/cli/client.ts';
import { traceTasks } from '../support/trace.ts';
import { large, makeTree } from '../support/tree.ts';
import { connect, expect } from './client.ts';

const run = promisify(execFile);
const seconds = Number(process.env['LOG_SECONDS'] ?? 60);
const linesPerSecond = Number(process.env['LOG_LINES'] ?? 2000);
const tags = 10_000;
/** What the window keeps of the log. */
const keptLines = 50_000;
const rounds = 7;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly budget: number;
  readonly unit: string;
}

await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-window-'));
const cli = join(directory.path, 'cli');
await writeBundle(cli);
// The registry is started as users start it.
process.env['BERTH_CLI'] = join(cli, 'berth.mjs');
const { goTo, launchBrowser, openWindow } = await import('../support/window.ts');

const dataDir = join(directory.path, 'data');
makeTree(dataDir, { large: tags, others: 500 });
await using window = await openWindow({ dataDir, startTimeoutMs: 120_000 });
const { page, registry, context } = window;
using admin = await openClient(dataDir);
while ((await admin.call('status.get', {})).index !== 'ready') await delay(50);

const figures: Figure[] = [
  ...(await scriptSizes()),
  ...(await paints()),
  await routeChanges(),
  ...(await scrolling()),
  ...(await log()),
];
for (const { name, value, budget, unit } of figures) {
  const shown = [value, budget].map((each) => `${Number(each.toPrecision(3))} ${unit}`.padStart(12));
  process.stdout.write(`${name.padEnd(48)}${shown.join('')}${value > budget ? '  beyond' : ''}\n`);
}
const [load = 0] = loadavg();
if (load > availableParallelism())
  process.stdout.write(`The machine is busy (load ${load.toFixed(1)}): times that went by mean little.\n`);
process.exitCode = figures.some(({ value, budget }) => value > budget) ? 1 : 0;

/** Of all scripts, and of those that a list waits for when the window is opened at it. */
async function scriptSizes(): Promise<readonly Figure[]> {
  const assets = join(cli, 'ui', 'assets');
  const names = (await readdir(assets)).filter((name) => name.endsWith('.js.gz'));
  const first = names.filter((name) => /^(?:index|window|rolldown-runtime|repositories)-/.test(name));
  const sizeOf = async (some: readonly string[]): Promise<number> => {
    const files = await Promise.all(some.map((name) => stat(join(assets, name))));
    return files.reduce((sum, { size }) => sum + size, 0) / 1000;
  };
  return [
    { name: 'script of all screens, gzip', value: await sizeOf(names), budget: 300, unit: 'kB' },
    { name: 'script of the first screen, gzip', value: await sizeOf(first), budget: 260, unit: 'kB' },
  ];
}

/**
 * From the start of the navigation to the first paint with rows of the list: in a new browser, and loaded again. Once as a
 * user whose browsers trust the authority, and once as one who went on at the warning.
 */
async function paints(): Promise<readonly Figure[]> {
  const trusting = join(directory.path, 'home');
  await trustAuthority(trusting);
  const ways = [
    { who: '', home: trusting, cold: [] as number[], warm: [] as number[] },
    { who: ', not trusted', home: undefined, cold: [] as number[], warm: [] as number[] },
  ];
  const storageState = await context.storageState();
  for (let round = 0; round < rounds; round += 1) {
    for (const { home, cold, warm } of ways) {
      const browser = await launchBrowser([], home);
      const fresh = await browser.newContext({ ignoreHTTPSErrors: home === undefined, storageState });
      await notePaint(fresh);
      const tab = await fresh.newPage();
      cold.push(
        await paintOf(tab, () => tab.goto(`${registry.url}/ui/#/repositories`, { waitUntil: 'commit' })),
      );
      // Everything that is loaded afterwards is there.
      await tab.waitForFunction(() =>
        performance.getEntriesByType('resource').some(({ name }) => /\/settings-[^/]*\.js$/.test(name)),
      );
      for (let again = 0; again < 2; again += 1)
        warm.push(await paintOf(tab, () => tab.reload({ waitUntil: 'commit' })));
      await browser.close();
    }
  }
  return ways.flatMap(({ who, cold, warm }) => [
    ranged({ name: `first useful paint, cold${who}`, budget: 800, unit: 'ms' }, cold),
    ranged({ name: `first useful paint, warm${who}`, budget: 150, unit: 'ms' }, warm),
  ]);
}

/** Makes what Chromium trusts of a user whose home that is, with the authority of the registry in it. */
async function trustAuthority(home: string): Promise<void> {
  const database = join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  const certutil = (...args: readonly string[]) => run('certutil', [...args, '-d', `sql:${database}`]);
  await certutil('-N', '--empty-password');
  await certutil('-A', '-n', 'Berth', '-t', 'C,,', '-i', registry.caFile);
}

/** The median of several runs; prints how far they lie apart, and how busy the machine is. */
function ranged(figure: Omit<Figure, 'value'>, runs: readonly number[]): Figure {
  const sorted = runs.toSorted((one, other) => one - other).map(Math.round);
  process.stdout.write(
    `${figure.name}: ${sorted.length} runs, ${sorted.join(' ')} ${figure.unit}; load ${(loadavg()[0] ?? 0).toFixed(1)}\n`,
  );
  return { ...figure, value: median(runs) };
}

/** Has every page note when its first row was painted, and say so. */
async function notePaint(to: BrowserContext): Promise<void> {
  await to.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (document.querySelector('main [role="row"][data-row]') === null) return;
      observer.disconnect();
      // The task after the frame: it is on the screen then.
      requestAnimationFrame(() =>
        setTimeout(() => {
          performance.mark('useful');
          // oxlint-disable-next-line no-console
          console.debug('useful');
        }),
      );
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}

/** Looks at the page when it has said that it is painted: looking before would be work of its own. */
async function paintOf(tab: Page, act: () => Promise<unknown>): Promise<number> {
  const painted = tab.waitForEvent('console', { predicate: (message) => message.text() === 'useful' });
  await act();
  await painted;
  return await tab.evaluate(() => performance.getEntriesByName('useful')[0]?.startTime ?? 0);
}

/** From the change of the address to the paint of the other screen, for each screen; those that were seen before. */
async function routeChanges(): Promise<Figure> {
  const places = [
    ['#/repositories', 'Repositories'],
    ['#/activity', 'Activity'],
    ['#/storage', 'Storage'],
    ['#/access', 'Access'],
    ['#/doctor', 'Doctor'],
    ['#/changes', 'System changes'],
    ['#/settings', 'Settings'],
    ['#/logs', 'Logs'],
    ['#/home', 'Home'],
  ] as const;
  const slowest = new Map<string, number>();
  for (const [hash] of places) await goTo(page, hash);
  for (const [hash, title] of places) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await goTo(page, hash === '#/home' ? '#/access' : '#/home');
      times.push(
        await page.evaluate(
          ([to, heading]) =>
            new Promise<number>((resolve) => {
              const start = performance.now();
              const look = (): void => {
                if (document.querySelector('main h1')?.textContent !== heading) return;
                observer.disconnect();
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
              };
              const observer = new MutationObserver(look);
              observer.observe(document.body, { childList: true, subtree: true, characterData: true });
              location.hash = to;
            }),
          [hash, title] as const,
        ),
      );
    }
    slowest.set(title, median(times));
    process.stdout.write(`route change: ${title} ${median(times).toFixed(0)} ms\n`);
  }
  const [[name, value] = ['', 0]] = [...slowest].toSorted(([, one], [, other]) => other - one);
  return { name: `route change, the slowest: ${name}`, value, budget: 50, unit: 'ms' };
}

/** Turns the wheel over the tags for some seconds. */
async function scrolling(): Promise<readonly Figure[]> {
  await goTo(page, `#/repositories/${large}`);
  await page.locator('main [role="row"][data-row]').first().waitFor();
  await page.locator('main [role="row"][data-row]').nth(3).hover();
  const longest = await watchTasks(page);
  const busiest = await traceTasks(page, async () => {
    for (let turn = 0; turn < 200; turn += 1) {
      await page.mouse.wheel(0, turn % 20 < 15 ? 1500 : -600);
      await delay(20);
    }
  });
  return tasks('scrolling 10,000 tags', await longest(), busiest);
}

function tasks(what: string, wallMs: number, ownMs: number): readonly Figure[] {
  return [
    { name: `${what}, longest task`, value: wallMs, budget: 50, unit: 'ms' },
    { name: `${what}, own time of a task`, value: ownMs, budget: 50, unit: 'ms' },
  ];
}

/** Answers the longest task from here on that took more than 50 ms; 0 for none. */
async function watchTasks(tab: Page): Promise<() => Promise<number>> {
  await tab.evaluate(() => {
    const found: number[] = [];
    Object.assign(globalThis, { longTasks: found });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) found.push(duration);
    }).observe({ type: 'longtask' });
  });
  return () =>
    tab.evaluate(() => Math.max(0, ...(globalThis as unknown as { longTasks: number[] }).longTasks));
}

/** Looks at the log while so many lines a second are written, until it is full and then for the time that is asked for. */
async function log(): Promise<readonly Figure[]> {
  await goTo(page, '#/home');
  await admin.call('logs.setLevel', { sys: 'all', level: 'debug' });
  using requests = startLoad();
  await delay(3000);
  const cdp = await context.newCDPSession(page);
  await goTo(page, '#/logs');
  await page.getByRole('grid', { name: 'Lines of the log' }).waitFor();
  const longest = await watchTasks(page);
  // The registry may be too busy to write as many as are wanted.
  await page
    .getByText(`${keptLines.toLocaleString('en-US')} lines`)
    .waitFor({ timeout: (keptLines / linesPerSecond) * 5000 });
  const filling = await longest();
  const before = await heapOf(cdp);
  const during = await watchTasks(page);
  const from = requests.sent();
  const start = performance.now();
  const busiest = await traceTasks(page, () => delay(10_000));
  await delay(Math.max(0, seconds - 10) * 1000);
  const rate = ((requests.sent() - from) / (performance.now() - start)) * 2000;
  const steady = await during();
  const after = await heapOf(cdp);
  process.stdout.write(`${Math.round(rate)} lines a second; heap ${before} MB, then ${after} MB\n`);
  return [
    { name: 'log, longest task while it fills', value: filling, budget: 50, unit: 'ms' },
    ...tasks(`log, ${seconds} s`, steady, busiest),
    { name: `log, heap gained in ${seconds} s`, value: Math.max(0, after - before), budget: 5, unit: 'MB' },
    { name: 'log, lines a second too few', value: Math.max(0, linesPerSecond - rate), budget: 200, unit: '' },
  ];
}

/** Asks for a manifest so often that the wanted number of lines is written: two for each request. */
function startLoad(): Disposable & { readonly sent: () => number } {
  const ending = new AbortController();
  let sent = 0;
  const start = performance.now();
  const authorization = `Basic ${Buffer.from(window.user).toString('base64')}`;
  for (let index = 0; index < 4; index += 1) {
    void (async () => {
      using connection = await connect({ port: registry.port, ca: undefined, authorization });
      while (!ending.signal.aborted) {
        if (sent * 2000 >= (performance.now() - start) * linesPerSecond) {
          await delay(5);
          continue;
        }
        sent += 1;
        await expect(connection, { method: 'GET', path: `/v2/${large}/manifests/t${sent % tags}` }, 200);
      }
    })();
  }
  return {
    sent: () => sent,
    [Symbol.dispose]() {
      ending.abort();
    },
  };
}

/** MB that are reachable. */
async function heapOf(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  return Math.round(usedSize / 100_000) / 10;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
