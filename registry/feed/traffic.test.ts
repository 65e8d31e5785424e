import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraffic } from './traffic.ts';

test('it is busy while a request is open and a moment after, and quiet since the last one', () => {
  let at = 1000;
  const traffic = createTraffic(() => at);
  const seen: unknown[] = [];
  const look = (): void => void seen.push([traffic.isBusy(), traffic.quietMs()]);

  look();
  traffic.started();
  traffic.started();
  at = 5000;
  look();
  traffic.ended();
  look();
  traffic.ended();
  look();
  at = 5249;
  look();
  at = 5250;
  look();

  assert.deepEqual(seen, [
    [false, 250],
    [true, 0],
    [true, 0],
    [true, 0],
    [true, 249],
    [false, 250],
  ]);
});
