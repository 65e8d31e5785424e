/**
 * Each call by which a push reaches the disk fails once: what was acknowledged is whole and there, what was not is half of
 * nothing, and the registry goes on. The index, the journal and the audit are written meanwhile, so that their calls fail, too.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { pushImage } from '../compat/content.ts';
import { brokenFiles, isReadable, unreadableTags } from '../crash/tree.ts';
import { childEnv } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const name = 'team/app';
/** Every so manieth call is tried; 1 tries all. */
const stride = Number(process.env['FAULT_STRIDE'] ?? 8);

/**
 * How many calls of each kind a push has, roughly: beyond them nothing fails. `write` is left out: the event loop wakes itself
 * by it, and ends the process where that fails.
 */
const faults = [
  { call: 'fsync', error: 'EIO', calls: 28 },
  { call: 'fdatasync', error: 'EIO', calls: 10 },
  { call: 'rename', error: 'EIO', calls: 12 },
  { call: 'mkdir', error: 'ENOSPC', calls: 16 },
  { call: 'pwrite64', error: 'EIO', calls: 24 },
  { call: 'pwrite64', error: 'ENOSPC', calls: 24 },
  { call: 'openat', error: 'EMFILE', calls: 40 },
  { call: 'openat', error: 'EAGAIN', calls: 40 },
] as const;

for (const { call, error, calls } of faults) {
  test(`a push whose ${call} says ${error}, one call after the other`, needs('strace'), async (t) => {
    // One thread for files, so that their calls are counted together.
    await using registry = await startRegistry({ env: { UV_THREADPOOL_SIZE: '1' } });
    const { plainUrl: url, pid, dataDir } = registry;
    await pushImage(url, { name, tag: 'first', layers: ['first'] });
    const acknowledged: string[] = [];
    const count = { tried: 0, failed: 0, refused: 0 };
    for (let at = 1; at <= calls; at += stride) {
      count.tried++;
      const tag = `t${at}`;
      const image = { name, tag, layers: [`${call} ${error} ${at}`] };
      const injected = await injectFault(pid, `${call}:error=${error}:when=${at}`);
      const pushed = await pushImage(url, image).catch((refusal: unknown) => refusal);
      if (await injected.end()) count.failed++;
      if (pushed instanceof Error) {
        count.refused++;
        assert.doesNotMatch(pushed.message, /ECONNRESET|socket hang up/, `${call} ${at}`);
      } else acknowledged.push((pushed as { readonly digest: string }).digest);

      assert.deepEqual(await brokenFiles(dataDir), [], `${call} ${at}`);
      assert.deepEqual(await unreadableTags(url, name), [], `${call} ${at}`);
      // It goes on, as if nothing had been.
      acknowledged.push((await pushImage(url, image)).digest);
    }
    await registry.kill('SIGKILL');
    await using again = await startRegistry({ dataDir });
    const lost: string[] = [];
    for (const digest of acknowledged)
      if (!(await isReadable(again.plainUrl, name, digest))) lost.push(digest);
    assert.deepEqual(lost, []);
    t.diagnostic(
      `${count.tried} pushes, a ${call} of ${count.failed} failed with ${error}: ${count.refused} refused, 0 lost`,
    );
    assert.ok(count.failed > 0, 'no fault met a push');
  });
}

/** Attaches to a process so that one of its calls fails; `end` answers whether one did. */
async function injectFault(pid: number, fault: string): Promise<{ end(): Promise<boolean> }> {
  const strace = spawn(
    'strace',
    ['-f', '-e', `trace=${fault.split(':')[0]}`, '-e', `inject=${fault}`, '-p', String(pid)],
    {
      env: childEnv(),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const ended = once(strace, 'close');
  let said = '';
  const attached = Promise.withResolvers<void>();
  strace.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
    if (said.includes('attached')) attached.resolve();
  });
  await Promise.race([attached.promise, ended]);
  return {
    async end() {
      strace.kill('SIGINT');
      await ended;
      return said.includes('(INJECTED)');
    },
  };
}
