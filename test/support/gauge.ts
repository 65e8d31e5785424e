/** What a process takes, as Linux tells. */
import { readdir, readFile } from 'node:fs/promises';

/** Options of a test that looks at processes. */
export const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

/** Resident memory in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

export async function countDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** The most resident memory in MiB while something is done, looked at twenty times a second. */
export async function mostResidentMiB(pid: number, act: () => Promise<unknown>): Promise<number> {
  let most = await residentMiB(pid);
  const watch = setInterval(() => {
    void residentMiB(pid).then((now) => (most = Math.max(most, now)));
  }, 50);
  try {
    await act();
  } finally {
    clearInterval(watch);
  }
  return most;
}
