/**
 * `npm run bench`: Berth beside Debian's docker-registry (package docker-registry), each measure interleaved, medians
 * of RUNS (default 5). A ratio above 1 means that Berth is faster. Nothing here is a test: times depend on the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { measures, pushImage } from './measures.ts';
import { makeCertificate, type Mode, type Server, startBerth, startDistribution } from './servers.ts';

const runs = Number(process.env['RUNS'] ?? 5);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const modes: readonly (Mode & { readonly name: string })[] = [
  { name: 'http', isTls: false, hasLogin: false },
  { name: 'TLS', isTls: true, hasLogin: false },
  { name: 'http + login', isTls: false, hasLogin: true },
  { name: 'TLS + login', isTls: true, hasLogin: true },
];

print(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
print(`medians of ${runs} interleaved runs; ratio = docker-registry / berth, above 1 Berth is faster\n`);

await using certificate = await makeCertificate();
for (const mode of modes) await compare(mode);

async function compare(mode: (typeof modes)[number]): Promise<void> {
  await using berth = await startBerth(mode);
  await using other = await startDistribution(mode, certificate);
  const idle = [await memoryOf(berth), await memoryOf(other)];
  print(row([mode.name, 'berth', 'docker-registry', 'ratio']));
  for (const { name, run } of measures) {
    const seconds: [number[], number[]] = [[], []];
    for (let round = 0; round < runs; round++) {
      // Who goes first changes, so that neither always meets the warmer disk.
      const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      for (const at of order) seconds[at].push(await run([berth, other][at]?.target ?? berth.target, round));
    }
    const [ours, theirs] = seconds.map(median);
    print(row([`  ${name}`, format(ours), format(theirs), ((theirs ?? 0) / (ours ?? 1)).toFixed(2)]));
  }
  print(row(['  fsyncs of an image push', await countSyncs(berth), await countSyncs(other), '']));
  print(row(['  start to first answer, ms', berth.startMs.toFixed(0), other.startMs.toFixed(0), '']));
  print(row(['  RSS idle, MiB', ...idle.map(({ now }) => mib(now)), '']));
  print(row(['  RSS peak, MiB', mib((await memoryOf(berth)).peak), mib((await memoryOf(other)).peak), '']));
  print('');
}

function row([name = '', ours = '', theirs = '', ratio = '']: readonly string[]): string {
  return `${name.padEnd(34)} ${ours.padStart(10)} ${theirs.padStart(16)} ${ratio.padStart(7)}`;
}

function format(seconds: number | undefined): string {
  return `${((seconds ?? 0) * 1000).toFixed(0)} ms`;
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function memoryOf({ pid }: Server): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

/** Counts with strace while an image of one blob and a manifest is pushed; `-` where strace is not installed. */
async function countSyncs({ pid, target }: Server): Promise<string> {
  // Without -o strace writes to stderr, its first line being that it is attached.
  const strace = spawn('strace', ['-f', '-p', String(pid), '-e', 'trace=fsync,fdatasync'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lines = '';
  strace.stderr.on('data', (text: Buffer) => (lines += text.toString()));
  const isThere = await Promise.race([
    once(strace.stderr, 'data').then(() => true),
    once(strace, 'error').then(() => false),
  ]);
  if (!isThere) return '-';
  await pushImage(target, 'counted');
  await end(strace);
  return String(lines.match(/\b(?:fsync|fdatasync)\(/g)?.length ?? 0);
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGINT');
  await once(child, 'exit');
}
