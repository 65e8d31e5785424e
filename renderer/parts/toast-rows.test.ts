import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRow } from './toast-rows.ts';

const info = (id: string) => ({ id, kind: 'info' }) as const;
const error = (id: string) => ({ id, kind: 'error' }) as const;

for (const { name, rows, left } of [
  { name: 'three have room', rows: [info('a'), error('b'), info('c')], left: 'a b c' },
  { name: 'the oldest goes', rows: [info('a'), info('b'), info('c'), info('d')], left: 'b c d' },
  { name: 'errors stay before others', rows: [error('a'), info('b'), info('c'), error('d')], left: 'a c d' },
  { name: 'of errors the oldest goes', rows: [error('a'), error('b'), error('c'), info('d')], left: 'b c d' },
]) {
  test(`of toasts, ${name}`, () => {
    const all = rows.reduce<readonly ReturnType<typeof info | typeof error>[]>(withRow, []);

    assert.equal(all.map(({ id }) => id).join(' '), left);
  });
}
