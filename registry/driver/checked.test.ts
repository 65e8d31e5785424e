import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';

import { AppError, isAppError } from '../spec/errors.ts';
import type { Level, Log } from '../spec/log-record.ts';
import { checked } from './checked.ts';
import type { Driver } from './driver.ts';
import { createMemoryDriver } from './memory.ts';

const failures = [
  { error: systemError('ENOSPC'), read: 'STORAGE_FULL', write: 'STORAGE_FULL' },
  { error: systemError('EDQUOT', 'Unknown system error'), read: 'STORAGE_FULL', write: 'STORAGE_FULL' },
  { error: systemError('EROFS'), read: 'STORAGE_FAILED', write: 'STORAGE_READ_ONLY' },
  { error: systemError('EACCES'), read: 'STORAGE_FAILED', write: 'STORAGE_READ_ONLY' },
  { error: systemError('EPERM'), read: 'STORAGE_FAILED', write: 'STORAGE_READ_ONLY' },
  { error: systemError('EIO'), read: 'STORAGE_FAILED', write: 'STORAGE_FAILED' },
  { error: systemError('EMFILE'), read: 'STORAGE_FAILED', write: 'STORAGE_FAILED' },
  { error: new Error('unlike any other'), read: 'STORAGE_FAILED', write: 'STORAGE_FAILED' },
  { error: new DOMException('stop', 'AbortError'), read: 'CANCELLED', write: 'CANCELLED' },
  { error: new AppError('SIZE_INVALID'), read: 'SIZE_INVALID', write: 'SIZE_INVALID' },
] as const;

for (const { error, read, write } of failures) {
  test(`${error.name} ${'code' in error ? error.code : ''} is ${read} for readers, ${write} for writers`, async () => {
    const driver = checked(failingDriver(error));
    const part = await checked(createMemoryDriver()).openPart('part', { create: true });
    assert.ok(part);

    const outcomes = await Promise.all(
      [
        driver.stat('key'),
        driver.readSmall('key', { limit: 1 }),
        driver.open('key'),
        readOn(driver.list('key')),
        driver.free?.(),
        driver.write('key', Buffer.of(1)),
        driver.remove('key'),
        driver.removeTree('key'),
        driver.openPart('key', { create: true }),
      ].map((call) => Promise.resolve(call).catch((caught: unknown) => caught)),
    );

    const codes = outcomes.map((outcome) => (isAppError(outcome) ? outcome.code : outcome));
    assert.deepEqual(codes, [read, read, read, read, read, write, write, write, write]);
    for (const outcome of outcomes) {
      assert.ok(isAppError(outcome));
      assert.equal(outcome === error || outcome.cause === error, true);
    }
  });
}

test('the message names the key and the errno, not the place on disk', async () => {
  const driver = checked(failingDriver(systemError('ENOSPC', 'ENOSPC', 'write /var/lib/secret')));

  await assert.rejects(driver.write('docker/a/link', Buffer.of()), {
    message: 'The disk of the registry is full: /docker/a/link could not be written (ENOSPC).',
  });
});

test("every call leaves distribution's line at debug, and none above it", async () => {
  const lines: { readonly msg: string; readonly duration: unknown; readonly id: unknown }[] = [];
  for (const level of ['info', 'debug'] as const) {
    const driver = checked(createMemoryDriver(), { log: recordingLog(level, lines) });
    await driver.write('a/key', Buffer.of(1, 2));
    await driver.stat('a/key');
    await driver.readSmall('a/key', { limit: 2 });
    await (await driver.open('a/key'))?.[Symbol.asyncDispose]();
    await readOn(driver.list('a'));
    const part = await driver.openPart('a/part', { create: true });
    await part?.commit('a/other');
    await driver.remove('a/key');
    await driver.removeTree('a');
  }

  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'inmemory.PutContent("/a/key")',
      'inmemory.Stat("/a/key")',
      'inmemory.GetContent("/a/key")',
      'inmemory.Reader("/a/key", 0)',
      'inmemory.List("/a")',
      'inmemory.Writer("/a/part", false)',
      'inmemory.Move("/a/part", "/a/other")',
      'inmemory.Delete("/a/key")',
      'inmemory.Delete("/a")',
    ],
  );
  for (const { duration, id } of lines) {
    assert.match(String(duration), /^\d+(\.\d+)?(µs|ms|s)$/);
    assert.match(String(id), /^[0-9a-f-]{36}$/);
  }
});

function failingDriver(failure: Error): Driver {
  const fail = (): Promise<never> => Promise.reject(failure);
  return {
    name: 'failing',
    stat: fail,
    open: fail,
    readSmall: fail,
    write: fail,
    commit: fail,
    async *list() {
      yield* [];
      throw failure;
    },
    remove: fail,
    removeTree: fail,
    openPart: fail,
    free: fail,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function systemError(name: string, code: string = name, message: string = name): Error {
  const errno = -(Object.entries(constants.errno).find(([known]) => known === name)?.[1] ?? 0);
  return Object.assign(new Error(message), { code, errno });
}

function recordingLog(
  at: Level,
  lines: { readonly msg: string; readonly duration: unknown; readonly id: unknown }[],
): Log {
  const log: Log = {
    error: ignore,
    warn: ignore,
    info: ignore,
    debug: (_event, msg, fields) =>
      lines.push({ msg, duration: fields?.['trace.duration'], id: fields?.['trace.id'] }),
    trace: ignore,
    enabled: (level) => level === at || level === 'info',
    with: () => log,
    for: () => log,
  };
  return log;
}

function ignore(): void {}

async function readOn(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}
