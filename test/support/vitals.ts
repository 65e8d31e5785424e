/** How a registry is while something is done to it: memory, descriptors, and how long its event loop was held up. */
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from './http.ts';
import type { TestRegistry } from './registry.ts';

/** Options of a test that looks at processes. */
export const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** How `npm start`, the installed command and the executable start the registry: what it takes of memory depends on it. */
export const asStarted = { NODE_OPTIONS: '--max-semi-space-size=4', MALLOC_ARENA_MAX: '2' };

export interface Vitals {
  /** The most memory so far, over that of the start. */
  readonly grownMiB: () => number;
  /** Processor time of the thread that answers, so far, in milliseconds: what holds its event loop up, on any machine. */
  readonly mainThreadMs: () => Promise<number>;
  /** The delay of the event loop since the last call, in milliseconds, and what the heap of JavaScript holds. */
  readonly read: () => Promise<{ readonly p99Ms: number; readonly mostMs: number; readonly heapMiB: number }>;
}

/** The environment in which a registry measures itself, and what reads that. Linux only. */
export async function measurable(): Promise<{
  readonly env: Readonly<Record<string, string>>;
  readonly watch: (registry: TestRegistry) => Promise<Vitals & Disposable>;
}> {
  const port = await freePort();
  return {
    env: {
      ...asStarted,
      REGISTRY_HTTP_DEBUG_ADDR: `127.0.0.1:${port}`,
      REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: 'true',
    },
    async watch({ pid }) {
      const base = await residentMiB(pid);
      let most = base;
      const look = async (): Promise<void> => {
        most = Math.max(most, await residentMiB(pid).catch(() => 0));
      };
      const timer = setInterval(() => void look(), 20).unref();
      const read: Vitals['read'] = async () => {
        const { body } = await request(`http://127.0.0.1:${port}`, { path: '/metrics' });
        const valueOf = (name: string): number =>
          Number(new RegExp(`^nodejs_${name} (\\S+)$`, 'm').exec(String(body))?.[1]);
        return {
          p99Ms: Math.round(valueOf('eventloop_lag_p99_seconds') * 1000),
          mostMs: Math.round(valueOf('eventloop_lag_max_seconds') * 1000),
          heapMiB: Math.round(valueOf('heap_size_used_bytes') / 1024 / 1024),
        };
      };
      await read();
      const mainThreadMs = async (): Promise<number> => {
        const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
        return Number(text.split(' ', 1)[0]) / 1e6;
      };
      return {
        mainThreadMs,
        grownMiB: () => most - base,
        read,
        [Symbol.dispose]: () => clearInterval(timer),
      };
    },
  };
}

export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** The most resident memory in MiB while something is done, looked at twenty times a second. */
export async function mostResidentMiB(pid: number, act: () => Promise<unknown>): Promise<number> {
  let most = await residentMiB(pid);
  const look = async (): Promise<void> => {
    most = Math.max(most, await residentMiB(pid).catch(() => 0));
  };
  const watch = setInterval(() => void look(), 50);
  try {
    await act();
  } finally {
    clearInterval(watch);
  }
  return most;
}

/** How many descriptors a process has open. */
export async function openDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** What a registry has open for those who talk to it: sockets, and files of content and uploads. */
export async function openForClients(pid: number): Promise<readonly string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:') || target.includes('/docker/registry/'));
}

/** The fewest of these within that time: connections that end are no longer among them. */
export async function fewestForClients(pid: number, ms: number): Promise<number> {
  let least = Infinity;
  for (const late = performance.now() + ms; performance.now() < late; await delay(50))
    least = Math.min(least, (await openForClients(pid)).length);
  return least;
}

/** What is still open for clients when no more than `usual` are, or after 20 seconds. */
export async function leftForClients(pid: number, usual: number): Promise<readonly string[]> {
  let left = await openForClients(pid);
  for (const late = performance.now() + 20_000; left.length > usual && performance.now() < late;) {
    await delay(50);
    left = await openForClients(pid);
  }
  return left;
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
