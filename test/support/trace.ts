import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';

/** The largest own time of a task of the page while something is done, in milliseconds. */
export async function traceTasks(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = page.context().browser();
  await browser?.startTracing(page, { categories: ['toplevel'] });
  await act();
  const { traceEvents } = JSON.parse(String(await browser?.stopTracing())) as {
    readonly traceEvents: readonly {
      readonly name: string;
      readonly pid: number;
      readonly tid: number;
      /** Microseconds. */
      readonly tdur?: number;
      readonly args?: { readonly name?: string };
    }[];
  };
  const threadOf = ({ pid, tid }: { readonly pid: number; readonly tid: number }): string => `${pid} ${tid}`;
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  );
  const tasks = traceEvents.filter((event) => event.tdur !== undefined && mains.has(threadOf(event)));
  assert.ok(tasks.length > 0);
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}
