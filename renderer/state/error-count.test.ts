import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '../../registry/spec/log-record.ts';
import { createErrorCount } from './error-count.ts';

function lineOf(id?: string): LogRecord {
  return {
    at: 0,
    level: 'error',
    sys: 'http',
    event: 'requestFailed',
    msg: 'unexpected error',
    fields: id === undefined ? {} : { 'http.request.id': id },
  };
}

test('a request that failed counts once, also where its lines come apart', () => {
  const count = createErrorCount();

  const counted = [
    [lineOf('a'), lineOf('a'), lineOf('b')],
    [lineOf('b'), lineOf(), lineOf()],
    [{ dropped: 3 }, lineOf('c')],
    Array.from({ length: 2000 }, (_, index) => lineOf(String(index))),
  ].map(count);

  assert.deepEqual(counted, [2, 2, 4, 2000]);
});
