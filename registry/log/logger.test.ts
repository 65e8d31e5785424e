import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';
import { createRing } from './ring.ts';
import type { FieldValue, LogRecord } from '../spec/log-record.ts';

const now = (): number => Date.UTC(2026, 10, 23, 10, 20, 2, 676);

test('a line has the fields of the process, of the bound log and of the call', () => {
  const lines: string[] = [];
  const log = createLogger({
    write: (line) => lines.push(line),
    now,
    fields: { service: 'registry', version: '1' },
  });

  log
    .for('http')
    .with({ 'http.request.id': 'r1' })
    .info('requestDone', 'response completed', { 'http.response.status': 200 });

  assert.deepEqual(lines, [
    'time="2026-11-23T10:20:02.676Z" level=info msg="response completed" event=requestDone http.request.id=r1 http.response.status=200 service=registry sys=http version=1\n',
  ]);
});

test('records of one event may have other fields, in another order, or those of each line', () => {
  const lines: string[] = [];
  const log = createLogger({
    write: (line) => lines.push(line),
    now,
    fields: { service: 'registry', time: 'x' },
  });
  const all: readonly Readonly<Record<string, FieldValue>>[] = [
    { b: 1, a: 'x y' },
    { a: 'z', b: 2 },
    { a: undefined, b: 3 },
    { service: 'other', event: 'made up', sys: 'made up', level: 'low' },
    {},
    { b: 4, a: 5 },
  ];

  for (const fields of all) log.info('happened', 'm', fields);
  log.for('tls').info('happened', 'm', { b: 6, a: 7 });

  const start = 'time="2026-11-23T10:20:02.676Z" level=info msg=m';
  assert.deepEqual(lines, [
    `${start} a="x y" b=1 event=happened fields.time=x service=registry sys=admin\n`,
    `${start} a=z b=2 event=happened fields.time=x service=registry sys=admin\n`,
    `${start} b=3 event=happened fields.time=x service=registry sys=admin\n`,
    `${start} event=happened fields.level=low fields.time=x service=other sys=admin\n`,
    `${start} event=happened fields.time=x service=registry sys=admin\n`,
    `${start} a=5 b=4 event=happened fields.time=x service=registry sys=admin\n`,
    `${start} a=7 b=6 event=happened fields.time=x service=registry sys=tls\n`,
  ]);
});

test('only records of the level and above are written, and the level can change at run time per subsystem', () => {
  const lines: string[] = [];
  const log = createLogger({
    write: (line) => lines.push(/level=(\w+) .* sys=(\w+)/.exec(line)?.slice(1).join(' ') ?? ''),
    levels: { all: 'warn', store: 'debug' },
  });
  const http = log.for('http');
  const store = log.for('store');
  const all = (): void => {
    for (const part of [http, store]) {
      part.error('e', 'm');
      part.warn('e', 'm');
      part.info('e', 'm');
      part.debug('e', 'm');
      part.trace('e', 'm');
    }
  };

  all();
  const first = lines.splice(0);
  log.setLevel('http', 'trace');
  log.setLevel('store', 'error');
  all();
  const second = lines.splice(0);
  log.setLevel('all', 'error');
  all();

  assert.deepEqual(first, [
    'error http',
    'warning http',
    'error store',
    'warning store',
    'info store',
    'debug store',
  ]);
  assert.deepEqual(second, [
    'error http',
    'warning http',
    'info http',
    'debug http',
    'trace http',
    'error store',
  ]);
  assert.deepEqual(lines, ['error http', 'error store']);
  assert.deepEqual([http.enabled('error'), http.enabled('warn'), log.levels().jobs], [true, false, 'error']);
});

test('the ring gets the record without secrets and without the fields of the process', () => {
  const ring = createRing();
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line), ring, now, fields: { service: 'registry' } });

  log.info('tried', 'got Basic dXNlcjpwYXNz', { password: 'p', uri: '/?_state=abc', none: undefined });

  assert.deepEqual(ring.snapshot(), [
    {
      at: now(),
      level: 'info',
      sys: 'admin',
      event: 'tried',
      msg: 'got Basic ***',
      fields: { password: '***', uri: '/?_state=***' },
    },
  ]);
  assert.ok(!lines.join('').includes('dXNl') && !lines.join('').includes('abc'));
});

test('records that are gathered are written together with their own times, and a warning does not wait', () => {
  const written: string[] = [];
  const times = [now(), now() + 1, now() + 2, now() + 3];
  const waiting: LogRecord[] = [];
  const ring = createRing({ settle: () => log.flush() });
  const log = createLogger({
    write: (lines) => written.push(lines.replaceAll(/^time="\S+:(\S+)Z" level=(\w+) .*$/gm, '$1 $2')),
    now: () => times.shift() ?? Number.NaN,
    ring,
    gather: (write) => ({
      add: (record) => waiting.push(record),
      flush: () => write(waiting.splice(0)),
    }),
  });

  log.info('one', 'x');
  log.info('two', 'x');
  const before = [...written];
  log.warn('three', 'x');
  log.info('four', 'x');
  const seen = ring.snapshot().map(({ event }) => event);

  assert.deepEqual(before, []);
  assert.deepEqual(written, ['02.676 info\n02.677 info\n02.678 warning\n', '02.679 info\n']);
  assert.deepEqual(seen, ['one', 'two', 'three', 'four']);
});
