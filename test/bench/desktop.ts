/**
 * `npm run bench -- desktop`: how soon the desktop app is there, and what it costs while nobody uses it. IDLE_SECONDS (default
 * 20) is how long it is watched. In the stand-in these are figures of Node with Chromium started beside it, not of Electron.
 * Prints each figure with its aim; ends with 1 where one is beyond.
 */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type DesktopModule, isReal, startDesktop, type TestDesktop } from '../support/desktop.ts';
import { click, isReady, push, running, trayShows, until } from '../support/desktop-acts.ts';

const idleMs = Number(process.env['IDLE_SECONDS'] ?? 20) * 1000;
const rounds = 5;
/** Jobs that follow a start are over by then: the first look at engines, the index. */
const calmMs = 5000;
const ticksPerSecond = 100;

interface Figure {
  readonly name: string;
  readonly value: number;
  /** Absent for what is told only. */
  readonly aim?: number;
  readonly unit: string;
}

process.stdout.write(isReal ? 'Electron\n' : 'the stand-in: Node, and Chromium for the window\n');
const figures: readonly Figure[] = [...(await starts()), ...(await idle())];
for (const { name, value, aim, unit } of figures) {
  const shown = [value, ...(aim === undefined ? [] : [aim])].map((each) =>
    `${Number(each.toPrecision(3))} ${unit}`.padStart(12),
  );
  const isBeyond = aim !== undefined && value > aim;
  process.stdout.write(`${name.padEnd(52)}${shown.join('')}${isBeyond ? '  beyond' : ''}\n`);
}
const [load = 0] = loadavg();
if (load > availableParallelism())
  process.stdout.write(`The machine is busy (load ${load.toFixed(1)}): times that went by mean little.\n`);
process.exitCode = figures.some(({ value, aim }) => aim !== undefined && value > aim) ? 1 : 0;

/** From the start of the process, and of a window that was freed from the wish to see it. */
async function starts(): Promise<readonly Figure[]> {
  const tray: number[] = [];
  const painted: number[] = [];
  const connected: number[] = [];
  const again: number[] = [];
  const window: number[] = [];
  const files: number[] = [];
  const loaded: number[] = [];
  const ready: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using desktop = await startDesktop();
    const page = await desktop.openPage();
    await running(page);
    const startedAt = await desktop.app.evaluate(() => performance.timeOrigin);
    connected.push(Date.now() - startedAt);
    painted.push((await paintedAt(page)) - startedAt);
    if (isReal) continue;
    const { begunAt, readyAt } = await standInTimes(desktop);
    loaded.push(begunAt - startedAt);
    ready.push(readyAt - begunAt);
    tray.push((await trayMadeAt(desktop)) - startedAt);
    const { wantedAt, begunAt: pageAt, filesAt, shownAt } = await openAgain(desktop);
    again.push(shownAt - wantedAt);
    window.push(pageAt - wantedAt);
    files.push(filesAt - pageAt);
  }
  return [
    ...(isReal
      ? []
      : [
          { name: 'cold start to the tray', value: median(tray), aim: 1500, unit: 'ms' },
          // Electron has nothing of the kind: both are no part of the app.
          { name: '  of which Node and Playwright, until the app begins', value: median(loaded), unit: 'ms' },
          { name: '  of which Chromium, until it answers', value: median(ready), unit: 'ms' },
        ]),
    { name: 'cold start to the painted window', value: median(painted), aim: 2000, unit: 'ms' },
    { name: 'cold start to the window that says Running', value: median(connected), unit: 'ms' },
    ...(isReal
      ? []
      : [
          { name: 'freed window, wanted again, to its paint', value: median(again), aim: 400, unit: 'ms' },
          { name: '  of which an empty window, by Playwright', value: median(window), unit: 'ms' },
          // Each goes to Node and back by the debugger; Electron answers them in the process.
          { name: '  of which the files of the page, by Playwright', value: median(files), unit: 'ms' },
        ]),
  ];
}

async function paintedAt(page: Page): Promise<number> {
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  return await page.evaluate(
    () =>
      performance.timeOrigin + (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0),
  );
}

async function standInTimes(
  desktop: TestDesktop,
): Promise<{ readonly begunAt: number; readonly readyAt: number }> {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    return { begunAt: standIn.begunAt, readyAt: standIn.readyAt };
  });
}

async function trayMadeAt(desktop: TestDesktop): Promise<number> {
  return await desktop.app.evaluate((given) => {
    const { standIn } = given as unknown as DesktopModule;
    return [...standIn.trays][0]?.madeAt ?? Number.NaN;
  });
}

/** Destroys the window, as the app does after ten minutes. */
async function openAgain(desktop: TestDesktop): Promise<{
  readonly wantedAt: number;
  readonly begunAt: number;
  /** When the last file was there that its first paint needs. */
  readonly filesAt: number;
  readonly shownAt: number;
}> {
  await desktop.app.evaluate((given) => {
    const { BrowserWindow } = given as unknown as DesktopModule;
    for (const window of BrowserWindow.getAllWindows()) window.destroy();
  });
  const opened = desktop.app.waitForEvent('window');
  const wantedAt = Date.now();
  await click(desktop, 'Open Berth');
  const page = await opened;
  await running(page);
  const shownAt = await paintedAt(page);
  const { begunAt, filesMs } = await page.evaluate(() => {
    const firstPaint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
    const ends = (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
      .map(({ responseEnd }) => responseEnd)
      .filter((end) => end <= firstPaint);
    return { begunAt: performance.timeOrigin, filesMs: Math.max(...ends) };
  });
  return { wantedAt, begunAt, filesAt: begunAt + filesMs, shownAt };
}

/** What all processes of an app without a window take. */
async function idle(): Promise<readonly Figure[]> {
  await using desktop = await startDesktop({ args: ['--hidden'] });
  if (isReal) await until(() => isReady(desktop));
  else await trayShows(desktop, 'running', /^Running: /);
  await push(desktop, 'team/idle');
  await delay(calmMs);
  const root = desktop.app.process().pid ?? 0;
  const before = await processesOf(root);
  await delay(idleMs);
  const after = await processesOf(root);
  const parts = [
    { name: 'the shell and the registry', isPart: (command: string) => !command.includes('chrom') },
    { name: 'Chromium without a page', isPart: (command: string) => command.includes('chrom') },
  ];
  return (isReal ? [{ name: 'all processes', isPart: () => true }] : parts).flatMap(({ name, isPart }) => {
    const mine = after.filter(({ command }) => isPart(command));
    const ticks = mine.reduce(
      (sum, { pid, ticks: now }) => sum + now - (before.find((each) => each.pid === pid)?.ticks ?? 0),
      0,
    );
    const percent = (ticks / ticksPerSecond / (idleMs / 1000)) * 100;
    const bytes = mine.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    return [
      { name: `idle, no window: ${name}, of one processor`, value: percent, unit: '%' },
      { name: `idle, no window: ${name}, ${mine.length} processes, memory`, value: bytes / 1e6, unit: 'MB' },
    ];
  });
}

interface Running {
  readonly pid: number;
  readonly command: string;
  readonly ticks: number;
  readonly rssBytes: number;
}

/** A process and those that it has started, of Linux. */
async function processesOf(root: number): Promise<readonly Running[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = (await Promise.all(pids.map(readProcess))).filter((each) => each !== undefined);
  const inside = new Set([root]);
  for (let size = 0; size !== inside.size;) {
    size = inside.size;
    for (const { pid, parent } of all) if (inside.has(parent)) inside.add(pid);
  }
  return all.filter(({ pid }) => inside.has(pid));
}

/** proc(5), "/proc/pid/stat": after the name in brackets come state, parent, ... utime is the 14th field, rss the 24th. */
async function readProcess(pid: number) {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const at = (field: number): number => Number(fields[field - 3]);
    return { pid, command, parent: at(4), ticks: at(14) + at(15), rssBytes: at(24) * 4096 };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
