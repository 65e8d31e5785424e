import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseBytes, parseDuration } from './duration.ts';

test('a duration is read in milliseconds as Go reads it, and needs a unit', () => {
  const cases = [
    ['168h', 604_800_000],
    ['1h30m', 5_400_000],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['250ms', 250],
    ['500us', 1],
    ['1µs', 1],
    ['0', 0],
    ['0s', 0],
    ['60', undefined],
    ['', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['1d', undefined],
    ['s', undefined],
    ['9e9h', undefined],
    [`${'9'.repeat(30)}h`, undefined],
  ] as const;

  const read = cases.map(([text]) => [text, parseDuration(text)]);

  assert.deepEqual(read, cases);
});

test('a duration is written as Go writes it', () => {
  // Oracle: the first three are from log lines of distribution 2.8, the others from the examples of Go's time package.
  const cases = [
    [0.884819, '884.819µs'],
    [2.021411, '2.021411ms'],
    [0.02, '20µs'],
    [0, '0s'],
    [0.0005, '500ns'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [4_215_500, '1h10m15.5s'],
    [86_400_000, '24h0m0s'],
  ] as const;

  const written = cases.map(([milliseconds]) => [milliseconds, formatDuration(milliseconds)]);

  assert.deepEqual(written, cases);
});

test('a size is a number of bytes or has a unit', () => {
  const cases = [
    ['4194304', 4_194_304],
    ['4MiB', 4_194_304],
    ['4 mib', 4_194_304],
    ['1GiB', 2 ** 30],
    ['10MB', 10_000_000],
    ['1.5KiB', 1536],
    ['0', 0],
    ['1.3', undefined],
    ['-1', undefined],
    ['4M', undefined],
    ['1ib', undefined],
    ['99999999TiB', undefined],
    ['', undefined],
  ] as const;

  const read = cases.map(([text]) => [text, parseBytes(text)]);

  assert.deepEqual(read, cases);
});
