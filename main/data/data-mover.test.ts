import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { findDataIn, lockRoot, markIncomplete } from '../../registry/disk/lock.ts';
import { AppError, isAppError } from '../../registry/spec/errors.ts';
import { copyData } from './copy-data.ts';
import { createDataMover, type RunTask } from './data-mover.ts';
import { openDataPlace } from './data-place.ts';
import { removeData } from './remove-data.ts';

const size = { files: 2, bytes: 10, directories: 2 };

/** Works in this process, and throws when it is cut off, as the one of the app does. */
const run: RunTask = async (task, { signal, onProgress }) => {
  if (task.kind === 'copy') await copyData({ from: task.from, to: task.to, onProgress });
  else await removeData(task.path);
  signal?.throwIfAborted();
};

async function makeWorld(folder: string, { runTask = run }: { readonly runTask?: RunTask } = {}) {
  const old = join(folder, 'old');
  const file = join(folder, 'data-directory.json');
  const env = { XDG_DATA_HOME: '/nowhere' };
  const made = await lockRoot(old);
  await made[Symbol.asyncDispose]();
  const acts: string[] = [];
  const start = async () => {
    const place = await openDataPlace(file, env);
    const mover = createDataMover({
      place,
      registry: {
        stop: async () => void acts.push('stop'),
        start: () => void acts.push(`start ${place.path()}`),
      },
      runTask,
      onMoved: async (from, to) => void acts.push(`moved ${from} ${to}`),
      onChange: () => undefined,
    });
    return { place, mover };
  };
  const first = await start();
  await first.place.set({ path: old });
  return { ...first, old, next: join(folder, 'next'), file, acts, start };
}

suite('moving the data directory', () => {
  test('copies while the registry is stopped, switches, and keeps the old one', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, place, old, next, file, acts } = await makeWorld(folder.path);

    await mover.move(next, size);

    assert.deepEqual(acts, ['stop', `moved ${old} ${next}`, `start ${next}`]);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { path: next, other: old });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(mover.state(), {});
    assert.deepEqual([await findDataIn(old), await findDataIn(next)], ['whole', 'whole']);
    assert.equal(place.path(), next);
  });

  test('can be taken back, and forth', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, place, old, next, acts } = await makeWorld(folder.path);
    await mover.move(next, size);

    await mover.useOther();

    assert.deepEqual([place.path(), place.other()], [old, next]);
    await mover.useOther();
    assert.deepEqual([place.path(), place.other()], [next, old]);
    assert.deepEqual(acts.slice(-4), ['stop', `start ${old}`, 'stop', `start ${next}`]);
  });

  test('ends with the removal of the old one, which a person asks for', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, old, next, file } = await makeWorld(folder.path);
    await mover.move(next, size);

    await mover.removeOther();

    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { path: next });
    assert.equal(await findDataIn(old), undefined);
    await assert.rejects(mover.useOther(), (error) => isAppError(error, 'PATH_REFUSED'));
  });

  test('that fails leaves the old in use, and nothing else', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, old, next, file, acts } = await makeWorld(folder.path, {
      async runTask(task, options) {
        if (task.kind === 'remove') return await run(task, options);
        await markIncomplete(task.to);
        throw new AppError('STORAGE_FULL', { message: 'no room' });
      },
    });

    await mover.move(next, size);

    assert.deepEqual(acts, ['stop', `start ${old}`]);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { path: old });
    assert.equal(mover.state().failure?.message, 'no room');
    assert.equal(await findDataIn(next), undefined);
    mover.forgetFailure();
    assert.deepEqual(mover.state(), {});
  });

  test('that is cancelled leaves the old in use, and tells of no failure', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const begun = Promise.withResolvers<void>();
    const { mover, old, next, file } = await makeWorld(folder.path, {
      async runTask(task, options) {
        if (task.kind === 'remove') return await run(task, options);
        await markIncomplete(task.to);
        begun.resolve();
        await new Promise((_, reject) => {
          options.signal?.addEventListener('abort', () => reject(new AppError('STORAGE_FAILED')));
        });
      },
    });
    const moving = mover.move(next, size);
    await begun.promise;

    assert.ok(mover.isBusy());
    await assert.rejects(mover.removeOther(), AppError);
    await mover.cancel();
    await moving;

    assert.deepEqual(mover.state(), {});
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { path: old });
    assert.equal(await findDataIn(next), undefined);
  });

  const crashes = [
    { name: 'before anything is there', found: undefined, kept: { path: 'old' } },
    { name: 'in the middle of the copy', found: 'incomplete', kept: { path: 'old' } },
    { name: 'after the copy, before the switch', found: 'whole', kept: { path: 'old', other: 'next' } },
  ] as const;
  for (const { name, found, kept } of crashes) {
    test(`a crash ${name} leaves the old in use`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
      const { place, old, next, file, start } = await makeWorld(folder.path);
      await place.set({ rest: next });
      if (found === 'incomplete') await markIncomplete(next);
      if (found === 'whole') await copyData({ from: old, to: next, onProgress: () => undefined });

      const again = await start();
      await again.mover.tidy();

      const paths = Object.entries(kept).map(([key, path]) => [key, join(folder.path, path)]);
      assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), Object.fromEntries(paths));
      assert.equal(again.place.path(), old);
      assert.equal(await findDataIn(old), 'whole');
      assert.equal(await findDataIn(next), found === 'whole' ? 'whole' : undefined);
    });
  }

  test('a crash while the old one is removed is taken up at the next start', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, place, old, next, start } = await makeWorld(folder.path);
    await mover.move(next, size);
    await place.set({ other: undefined, rest: old });
    await markIncomplete(old);

    const again = await start();
    await again.mover.tidy();

    assert.deepEqual([again.place.path(), again.place.rest()], [next, undefined]);
    assert.equal(await findDataIn(old), undefined);
  });

  test('an old one that another process has is not removed, and stays known', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-move-'));
    const { mover, place, old, next } = await makeWorld(folder.path);
    await mover.move(next, size);
    await using held = new AsyncDisposableStack();
    held.use(await lockRoot(old));

    await assert.rejects(mover.removeOther(), (error) => isAppError(error, 'DATA_LOCKED'));

    assert.deepEqual([place.other(), place.rest()], [old, undefined]);
    assert.equal(await findDataIn(old), 'whole');
  });
});

suite('the place of the data directory', () => {
  const env = { XDG_DATA_HOME: '/share' };

  test('is the one of the system until another is kept', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-place-'));
    const file = join(folder.path, 'data-directory.json');
    const place = await openDataPlace(file, env);

    assert.equal(place.given(), undefined);
    await place.set({ path: '/disk/berth' });

    const again = await openDataPlace(file, env);
    assert.deepEqual([again.path(), again.given(), again.fixedBy], ['/disk/berth', '/disk/berth', undefined]);
  });

  test('is that of the variable where one fixes it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-place-'));
    const file = join(folder.path, 'data-directory.json');
    await (await openDataPlace(file, env)).set({ path: '/disk/berth' });

    const place = await openDataPlace(file, { ...env, BERTH_DATA: '/fixed' });

    assert.deepEqual([place.path(), place.given(), place.fixedBy], ['/fixed', undefined, 'BERTH_DATA']);
  });

  for (const text of ['{', '[]', '{"path": 1}', '{"path": "relative"}', 'null']) {
    test(`a file that says ${text} is kept aside`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-place-'));
      const file = join(folder.path, 'data-directory.json');
      await writeFile(file, text);

      const place = await openDataPlace(file, env);

      assert.equal(place.given(), undefined);
      assert.equal(await readFile(place.brokenFile ?? '', 'utf8'), text);
    });
  }
});
