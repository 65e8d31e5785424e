import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../spec/errors.ts';
import type { FeedEvent } from './feed.ts';
import { createTasks } from './tasks.ts';

function tasksAt(clock: { now: number }) {
  const published: FeedEvent[] = [];
  const tasks = createTasks({ publish: (event) => void published.push(event) }, () => clock.now);
  return { tasks, progress: () => published.map(({ task }) => [task?.state, task?.done, task?.total]) };
}

const never = new AbortController().signal;

test('a task is listed while it runs and after, and its answer is that of the work', async () => {
  const { tasks } = tasksAt({ now: 0 });
  const row = { id: 1, kind: 'collect', unit: 'items', startedAt: '1970-01-01T00:00:00.000Z', user: 'anna' };

  const answer = await tasks.run(
    { kind: 'collect', unit: 'items', signal: never, user: 'anna' },
    async (task) => {
      task.progress(3, 7);
      return tasks.list();
    },
  );

  assert.deepEqual(answer, [{ ...row, state: 'running', done: 3, total: 7 }]);
  assert.deepEqual(tasks.list(), [{ ...row, state: 'done', done: 3, total: 7 }]);
});

test('progress is published four times a second at most, the end at once', async () => {
  const clock = { now: 0 };
  const { tasks, progress } = tasksAt(clock);

  await tasks.run({ kind: 'rebuild', unit: 'bytes', signal: never }, async (task) => {
    for (let done = 1; done <= 1000; done++) {
      clock.now = done;
      task.progress(done);
    }
  });

  assert.deepEqual(progress(), [
    ['running', 0, undefined],
    ['running', 250, undefined],
    ['running', 500, undefined],
    ['running', 750, undefined],
    ['running', 1000, undefined],
    ['done', 1000, undefined],
  ]);
});

test('a cancelled task ends with CANCELLED for whoever asked for it', async () => {
  const { tasks } = tasksAt({ now: 0 });

  const ended = tasks.run({ kind: 'collect', unit: 'items', signal: never }, async ({ signal }) => {
    tasks.cancel(1);
    signal.throwIfAborted();
  });

  await assert.rejects(ended, { code: 'CANCELLED' });
  assert.deepEqual(
    tasks.list().map(({ state }) => state),
    ['cancelled'],
  );
  assert.throws(() => tasks.cancel(1), { code: 'TASK_UNKNOWN' });
});

test('a task fails with the message of an AppError, and without the words of a fault', async () => {
  const { tasks } = tasksAt({ now: 0 });
  const fail = async (error: Error): Promise<void> => {
    const work = async (): Promise<never> => {
      throw error;
    };
    await assert.rejects(tasks.run({ kind: 'collect', unit: 'items', signal: never }, work), error);
  };

  await fail(new AppError('STORAGE_FULL', { message: 'No room.' }));
  await fail(new Error('secret'));

  assert.deepEqual(
    tasks.list().map(({ state, error }) => [state, error]),
    [
      ['failed', 'An error inside the registry; see the log.'],
      ['failed', 'No room.'],
    ],
  );
});

test('of those that ended the last twenty are kept', async () => {
  const { tasks } = tasksAt({ now: 0 });

  for (let count = 0; count < 25; count++) {
    await tasks.run({ kind: 'collect', unit: 'items', signal: never }, async () => undefined);
  }

  assert.deepEqual(
    tasks.list().map(({ id }) => id),
    Array.from({ length: 20 }, (_, at) => 25 - at),
  );
});
