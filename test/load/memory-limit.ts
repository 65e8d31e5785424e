/** A limit of memory as containers have it: a control group, of either version, which the kernel ends who exceeds. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MemoryLimit extends AsyncDisposable {
  /** The words that start a program within the limit. */
  readonly starter: readonly string[];
  /** How many processes were ended for exceeding it. */
  ended(): Promise<number>;
}

/** Makes a control group of so many bytes, without swap. Needs root. */
export async function limitMemory(bytes: number): Promise<MemoryLimit> {
  const top = '/sys/fs/cgroup';
  const isUnified = existsSync(join(top, 'cgroup.controllers'));
  const group = join(top, isUnified ? '' : 'memory', `berth-test-${process.pid}-${performance.now()}`);
  if (isUnified) await writeFile(join(top, 'cgroup.subtree_control'), '+memory');
  await mkdir(group);
  await writeFile(join(group, isUnified ? 'memory.max' : 'memory.limit_in_bytes'), `${bytes}`);
  // Absent where the kernel counts no swap.
  const [swap, most] = isUnified ? ['memory.swap.max', 0] : ['memory.memsw.limit_in_bytes', bytes];
  if (existsSync(join(group, swap))) await writeFile(join(group, swap), `${most}`);
  return {
    starter: ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(group, 'cgroup.procs')],
    async ended() {
      const said = await readFile(join(group, isUnified ? 'memory.events' : 'memory.oom_control'), 'utf8');
      return Number(/^oom_kill (\d+)$/m.exec(said)?.[1]);
    },
    [Symbol.asyncDispose]: () => rmdir(group),
  };
}
