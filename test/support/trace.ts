import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly elementCount?: number };
}

/** The largest own time of a task of the page while something is done, in milliseconds. */
export async function traceTasks(page: Page, act: () => Promise<void>): Promise<number> {
  const tasks = (await trace(page, 'toplevel', act)).filter(({ tdur }) => tdur !== undefined);
  assert.ok(tasks.length > 0);
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}

/** Of how many elements the styles are computed at once, at most, while something is done. */
export async function traceStyles(page: Page, act: () => Promise<void>): Promise<number> {
  const computed = (await trace(page, 'devtools.timeline', act)).filter(
    ({ name }) => name === 'UpdateLayoutTree',
  );
  assert.ok(computed.length > 0);
  return Math.max(...computed.map(({ args }) => args?.elementCount ?? 0));
}

/** What the main thread of a page does meanwhile. */
async function trace(page: Page, category: string, act: () => Promise<void>): Promise<readonly TraceEvent[]> {
  const browser = page.context().browser();
  await browser?.startTracing(page, { categories: [category] });
  await act();
  const { traceEvents } = JSON.parse(String(await browser?.stopTracing())) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  );
  return traceEvents.filter((event) => mains.has(threadOf(event)));
}
