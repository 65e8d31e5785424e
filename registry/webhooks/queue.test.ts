/**
 * Oracle of the property: a list. What was appended waits in order; what was advanced over is gone; a crash is a copy of
 * the files at that moment, with a torn line behind them, which is what a process that was killed leaves.
 */
import assert from 'node:assert/strict';
import { appendFile, cp, mkdtempDisposable, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { type EventQueue, openQueue } from './queue.ts';

const runs = Number(process.env['QUEUE_RUNS'] ?? 60);

function makeLog() {
  const ring = createRing();
  return { log: createLogger({ write: () => undefined, ring }).for('jobs'), ring };
}

async function openIn(directory: string, limit = 100_000): Promise<EventQueue> {
  return await openQueue({ directory, limit: () => limit, log: makeLog().log });
}

const signal = AbortSignal.timeout(60_000);

async function takeAll(queue: EventQueue): Promise<readonly string[]> {
  const taken: string[] = [];
  while (queue.pending > 0) {
    const event = await queue.head({ signal });
    taken.push(event.line);
    await queue.advance(event, 'delivered');
  }
  return taken;
}

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 700 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('big' as const), bytes: fc.integer({ min: 1, max: 400_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 900 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), torn: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const) }) },
);

test('nothing is lost, doubled or out of order, whatever is killed when', async (t) => {
  const property = fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
    await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
    let generation = 0;
    let directory = join(place.path, String(generation));
    let queue = await openIn(directory);
    const left: EventQueue[] = [];
    let model: string[] = [];
    let made = 0;
    let delivered = 0;
    let dropped = 0;
    try {
      for (const each of commands) {
        switch (each.do) {
          case 'append': {
            const lines = Array.from({ length: each.count }, () => `{"n":${(made += 1)}}`);
            await Promise.all(lines.map((line) => queue.append(line)));
            model.push(...lines);
            break;
          }
          case 'big': {
            const line = `{"n":${(made += 1)},"x":"${'x'.repeat(each.bytes)}"}`;
            await queue.append(line);
            model.push(line);
            break;
          }
          case 'deliver':
            for (let at = 0; at < each.count && model.length > 0; at += 1) {
              const event = await queue.head({ signal });
              assert.equal(event.line, model.shift());
              await queue.advance(event, 'delivered');
              delivered += 1;
            }
            break;
          case 'purge':
            assert.equal(await queue.purge(), model.length);
            dropped += model.length;
            model = [];
            break;
          case 'restart':
            await queue[Symbol.asyncDispose]();
            queue = await openIn(directory);
            break;
          case 'crash': {
            const next = join(place.path, String((generation += 1)));
            await cp(directory, next, { recursive: true });
            const newest = (await readdir(next))
              .filter((name) => name.endsWith('.ndjson'))
              .toSorted()
              .at(-1);
            if (newest !== undefined) await appendFile(join(next, newest), 'x'.repeat(each.torn));
            left.push(queue);
            directory = next;
            queue = await openIn(directory);
            break;
          }
        }
        assert.deepEqual(
          [queue.pending, queue.delivered, queue.dropped],
          [model.length, delivered, dropped],
          JSON.stringify(each),
        );
      }
      assert.deepEqual(await takeAll(queue), model);
    } finally {
      for (const each of [...left, queue]) await each[Symbol.asyncDispose]();
    }
  });
  const result = await fc.check(property, { numRuns: runs });
  t.diagnostic(`seed ${result.seed}`);
  assert.ok(!result.failed, fc.defaultReportMessage(result));
});

test('killed while it writes, all that was acknowledged is there, in order', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
  const directory = join(place.path, 'live');
  const queue = await openIn(directory);
  try {
    const acknowledged: number[] = [];
    const writing = (async () => {
      for (let n = 0; n < 3000; n += 1) {
        await queue.append(`{"n":${n}}`);
        acknowledged.push(n);
      }
    })();
    for (let copy = 0; copy < 5; copy += 1) {
      await queue.append('{"n":-1}');
      const known = acknowledged.length;
      const copied = join(place.path, `copy-${copy}`);
      await cp(directory, copied, { recursive: true });

      await using after = await openIn(copied);
      const found = (await takeAll(after))
        .map((line) => (JSON.parse(line) as { n: number }).n)
        .filter((n) => n >= 0);

      assert.ok(found.length >= known, `${found.length} of ${known}`);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, n) => n),
      );
    }
    await writing;
  } finally {
    await queue[Symbol.asyncDispose]();
  }
});

test('of too many the oldest are given up, and counted', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
  const { log, ring } = makeLog();
  await using queue = await openQueue({ directory: place.path, limit: () => 200, log });

  for (let n = 0; n < 500; n += 1) await queue.append(`{"n":${n}}`);

  const { pending, dropped } = queue;
  assert.ok(pending > 190 && pending <= 200, String(pending));
  assert.equal(pending + dropped, 500);
  assert.deepEqual(
    await takeAll(queue),
    Array.from({ length: pending }, (_, at) => `{"n":${at + dropped}}`),
  );
  const warnings = ring.snapshot().filter(({ event }) => event === 'webhookDropped');
  const told = warnings.reduce((sum, { fields }) => sum + Number(fields['count']), 0);
  assert.ok(warnings.length < 200, String(warnings.length));
  assert.equal(told, dropped);
});

test('an event that was given up while it was sent does not move the position', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
  await using queue = await openIn(place.path, 2);
  await queue.append('{"n":0}');
  const sent = await queue.head({ signal });
  for (let n = 1; n < 4; n += 1) await queue.append(`{"n":${n}}`);

  await queue.advance(sent, 'delivered');

  assert.deepEqual(await takeAll(queue), ['{"n":2}', '{"n":3}']);
});

test('files of what was delivered are removed', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
  await using queue = await openIn(place.path);
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 1000 }, (_, n) => queue.append(`{"n":${n}}`)));
    await takeAll(queue);
  }

  const files = await readdir(place.path);
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(place.path, name))).size));

  assert.ok(files.length <= 2, files.join());
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 64 * 1024);
});

test('the head is waited for, until the signal', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
  await using queue = await openIn(place.path);
  const controller = new AbortController();
  const cancelled = queue.head({ signal: controller.signal });
  controller.abort();
  await assert.rejects(cancelled, { name: 'AbortError' });

  const waited = queue.head({ signal });
  await queue.append('{"n":1}');

  assert.equal((await waited).line, '{"n":1}');
});

/** What a power cut or a broken disk may leave, and what is still delivered from it. */
const damages: Readonly<
  Record<string, { readonly damage: (directory: string) => Promise<void>; readonly left: readonly number[] }>
> = {
  'without its position everything left is delivered again': {
    damage: (directory) => rm(join(directory, 'position')),
    left: [0, 1, 2, 3, 4, 5, 9],
  },
  'a position of garbage counts as none': {
    damage: (directory) => writeFile(join(directory, 'position'), '{"next":'),
    left: [0, 1, 2, 3, 4, 5, 9],
  },
  'where delivered lines are lost, what comes is not taken for delivered': {
    damage: (directory) => writeFile(join(directory, `${'0'.repeat(16)}.ndjson`), '{"n":0}\n'),
    left: [9],
  },
  'a file that is gone is a gap': {
    damage: (directory) => rm(join(directory, `${'0'.repeat(16)}.ndjson`)),
    left: [9],
  },
};

for (const [name, { damage, left }] of Object.entries(damages)) {
  test(name, async () => {
    await using place = await mkdtempDisposable(join(tmpdir(), 'berth-queue-'));
    {
      await using queue = await openIn(place.path);
      for (let n = 0; n < 6; n += 1) await queue.append(`{"n":${n}}`);
      for (let n = 0; n < 3; n += 1) await queue.advance(await queue.head({ signal }), 'delivered');
    }
    await damage(place.path);

    await using queue = await openIn(place.path);
    await queue.append('{"n":9}');

    assert.deepEqual(
      await takeAll(queue),
      left.map((n) => `{"n":${n}}`),
    );
  });
}
