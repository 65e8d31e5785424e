/** How something is measured several times, and what comes out. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from './servers.ts';

/** A line of the table. */
export interface Row {
  readonly name: string;
  readonly berth: string;
  /** By the title of the other registry. */
  readonly others: Readonly<Record<string, string>>;
  /** Berth beside the best of the others, so that more is better; or less, where the aim is a limit. */
  readonly ratio?: number | undefined;
  readonly aim?: string;
  /** Absent where there is no aim, or nobody to compare with. */
  readonly holds?: boolean | undefined;
}

/** How often each registry does the same; who begins changes, so that nobody always meets the warmer disk. */
export const runs = Number(process.env['RUNS'] ?? 5);

interface Cost {
  readonly server: Server;
  readonly seconds: number;
  /** Processor time of the server. */
  readonly cpuSeconds: number;
}

export type Costs = readonly [Cost, ...Cost[]];

/** The medians of the same work on each server, Berth first; `act` answers its seconds. */
export async function interleave(
  servers: readonly [Server, ...Server[]],
  act: (server: Server, round: number) => Promise<number>,
  rounds = runs,
): Promise<Costs> {
  const found = servers.map((server) => ({ server, seconds: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < found.length; turn += 1) {
      const each = found[(round + turn) % found.length];
      if (each === undefined) continue;
      const before = await cpuSecondsOf(each.server.pid);
      each.seconds.push(await act(each.server, round));
      // What follows an answer, as the line of the log, belongs to it.
      await delay(50);
      each.cpu.push((await cpuSecondsOf(each.server.pid)) - before);
    }
  }
  const costs = found.map(({ server, seconds, cpu }) => ({
    server,
    seconds: median(seconds),
    cpuSeconds: median(cpu),
  }));
  return costs as unknown as Costs;
}

/** The wall time: how many times faster than the best of the others Berth is. */
export function faster(name: string, costs: Costs, atLeast: number): Row {
  return compared(name, costs, { value: ({ seconds }) => seconds, format: time, atLeast });
}

/** What Berth needs of something that the others need as well: how much of what the best of the others needs. */
export function notMore(
  name: string,
  costs: Costs,
  options: {
    readonly value: (cost: Cost) => number;
    readonly format: (value: number) => string;
    readonly atMost: number;
  },
): Row {
  return compared(name, costs, options);
}

function compared(
  name: string,
  [berth, ...others]: Costs,
  {
    value,
    format,
    ...aim
  }: {
    readonly value: (cost: Cost) => number;
    readonly format: (value: number) => string;
  } & ({ readonly atLeast: number } | { readonly atMost: number }),
): Row {
  const best = Math.min(...others.map(value));
  const isLimit = 'atMost' in aim;
  const ratio = isLimit ? value(berth) / best : best / value(berth);
  const isThere = others.length > 0 && Number.isFinite(ratio);
  return {
    name,
    berth: format(value(berth)),
    others: Object.fromEntries(others.map((other) => [other.server.title, format(value(other))])),
    aim: isLimit ? `<= ${aim.atMost.toFixed(1)} x` : `>= ${aim.atLeast.toFixed(1)} x`,
    ...(isThere ? { ratio, holds: isLimit ? ratio <= aim.atMost : ratio >= aim.atLeast } : {}),
  };
}

/** A figure of Berth alone. */
export function limited(
  name: string,
  value: number,
  { unit, atMost }: { readonly unit: string; readonly atMost: number },
): Row {
  return {
    name,
    berth: `${plainNumber(value)} ${unit}`,
    others: {},
    aim: `<= ${atMost} ${unit}`,
    holds: value <= atMost,
  };
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;
}

export function time(seconds: number): string {
  return seconds < 10 ? `${plainNumber(seconds * 1000)} ms` : `${plainNumber(seconds)} s`;
}

export function plainNumber(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** MiB of a process: present and at most. */
export async function memoryOf(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

const ticksPerSecond = 100;

/** proc(5), "/proc/pid/stat": after the name in brackets utime and stime are the 14th and 15th field. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
