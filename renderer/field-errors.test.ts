import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../registry/spec/errors.ts';
import { fieldErrorsOf } from './field-errors.ts';

test('each error is shown at the field that it is about', () => {
  const usage = (message: string) => new AppError('USAGE', { message, hint: 'Hint.' });
  const cases: readonly (readonly [unknown, object])[] = [
    [undefined, {}],
    [
      usage('The arguments of users.add do not fit: name: too small; repositories.0: not a glob.'),
      { name: 'Too small.', repositories: 'Not a glob.' },
    ],
    [usage('The arguments of users.add do not fit: odd.'), { '': 'Odd.' }],
    [usage('This user name cannot be used.'), { name: 'This user name cannot be used. Hint.' }],
    [new AppError('USER_EXISTS', { message: 'There.', hint: '' }), { name: 'There.' }],
    [new AppError('LAST_ADMIN', { message: 'Last.', hint: 'Make one.' }), { '': 'Last. Make one.' }],
    [new Error('bug'), { '': 'Something unexpected happened: bug. Reload the window.' }],
  ];

  for (const [error, expected] of cases)
    assert.deepEqual(fieldErrorsOf(error, { USAGE: 'name', USER_EXISTS: 'name' }), expected);
});
