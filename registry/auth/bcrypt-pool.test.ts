import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getPriority, tmpdir } from 'node:os';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { hashSync } from 'bcryptjs';
import { rolldown } from 'rolldown';
import { isAppError } from '../spec/errors.ts';
import { bcryptWorkerUrl, createBcryptPool } from './bcrypt-pool.ts';

const hash = hashSync('geheim', 4);
const onLinux = process.platform === 'linux' ? {} : { skip: 'the nice value is of the whole process' };

test('a worker compares and hashes', async () => {
  await using pool = createBcryptPool({ size: 2 });

  const made = await pool.hash('neu', 4);
  const answers = await Promise.all([
    pool.compare('geheim', hash),
    pool.compare('falsch', hash),
    pool.compare('neu', made),
    pool.compare('geheim', 'no hash at all'),
  ]);

  assert.deepEqual([answers, pool.count], [[true, false, true, false], 5]);
});

test('what does not fit the queue is refused at once with 429', async () => {
  await using pool = createBcryptPool({ size: 1, queueLimit: 2 });

  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(() => pool.compare('geheim', hash)));

  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
    [true, true, true, 'TOO_MANY_LOGINS', 'TOO_MANY_LOGINS'],
  );
});

test('on Linux its threads leave the processors to the requests', onLinux, async () => {
  await using pool = createBcryptPool({ size: 1 });
  const nicer = Math.min(19, getPriority() + 10);
  const before = niceOfThreads();

  await pool.compare('geheim', hash);

  const after = niceOfThreads().filter((nice) => nice === nicer);
  assert.deepEqual([before.includes(nicer), after.length], [false, 1]);
});

test('a caller who goes away leaves the queue', async () => {
  await using pool = createBcryptPool({ size: 1, queueLimit: 1 });
  const gone = new AbortController();

  const running = pool.compare('geheim', hash);
  const waiting = pool.compare('geheim', hash, { signal: gone.signal });
  gone.abort();
  await assert.rejects(waiting, (error) => isAppError(error, 'CANCELLED'));
  const next = pool.compare('geheim', hash);

  assert.deepEqual([await running, await next, pool.count], [true, true, 2]);
  await assert.rejects(pool.compare('a', hash, { signal: gone.signal }), (error) =>
    isAppError(error, 'CANCELLED'),
  );
});

test('a job that breaks its worker fails alone; the next one gets a new worker', async () => {
  await using pool = createBcryptPool({ size: 1 });

  // bcryptjs throws on this.
  const broken = pool.hash(undefined as unknown as string, 4);
  const next = pool.compare('geheim', hash);

  await assert.rejects(broken, /the bcrypt worker ended/);
  assert.equal(await next, true);
});

test('a pool that is disposed refuses and ends what runs', async () => {
  const pool = createBcryptPool({ size: 1 });
  const results = Promise.allSettled([pool.hash('a', 14), pool.compare('geheim', hash)]);

  await pool[Symbol.asyncDispose]();

  assert.deepEqual(
    (await results).map((result) => result.status === 'rejected' && result.reason.code),
    ['UNAVAILABLE', 'UNAVAILABLE'],
  );
  await assert.rejects(pool.compare('geheim', hash), (error) => isAppError(error, 'UNAVAILABLE'));
});

test('idle workers do not keep the process alive', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-pool-'));
  const script = join(folder.path, 'main.ts');
  await writeFile(
    script,
    `import { createBcryptPool } from ${JSON.stringify(new URL('bcrypt-pool.ts', import.meta.url).href)};
     const pool = createBcryptPool({ size: 1 });
     console.log(await pool.compare('geheim', ${JSON.stringify(hash)}));`,
  );

  const { status, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 30_000 });

  assert.deepEqual([status, stdout], [0, 'true\n']);
});

test('the worker also runs as a bundle, from a file or from its text', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-pool-'));
  const bundle = await rolldown({ input: bcryptWorkerUrl().pathname, platform: 'node' });
  const { output } = await bundle.generate({ format: 'cjs' });
  await bundle.close();
  const source = output[0].code;
  const file = join(folder.path, 'worker.cjs');
  await writeFile(file, source);

  for (const entry of [file, pathToFileURL(file), { source }]) {
    await using pool = createBcryptPool({ entry, size: 1 });
    assert.equal(await pool.compare('geheim', hash), true);
  }
});

/** Of each thread of this process: field 19 of proc_pid_stat(5), the 17th after the name in parentheses. */
function niceOfThreads(): number[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
