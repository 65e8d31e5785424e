import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../registry/spec/errors.ts';
import type { OutcomeRow } from '../contract/consent.ts';
import { tellChanges, type ToldChange } from './told-changes.ts';

const row: OutcomeRow = { id: '1', title: 'Podman: trust the registry', result: 'applied', isProved: true };
const failed = new AppError('CHANGE_FAILED', { message: 'It was put back.' });

const cases: readonly {
  readonly name: string;
  readonly apply: () => Promise<readonly OutcomeRow[]>;
  readonly told: readonly ToldChange[];
}[] = [
  { name: 'that was made', apply: async () => [row], told: [{ isDone: true, text: row.title }] },
  {
    name: 'that was put back',
    apply: () => Promise.reject(failed),
    told: [{ isDone: false, text: 'It was put back.' }],
  },
  {
    name: 'that needs another sheet',
    apply: () => Promise.reject(new AppError('CHANGE_STALE')),
    told: [],
  },
  { name: 'that a fault of the app has cut', apply: () => Promise.reject(new Error('bug')), told: [] },
];

for (const { name, apply, told } of cases) {
  test(`a change ${name} is told as such`, async () => {
    const seen: ToldChange[] = [];
    const unused = (): never => assert.fail('not asked for');
    const methods = tellChanges(
      {
        'trust.look': unused,
        'trust.plan': unused,
        'trust.apply': apply,
        'login.plan': unused,
        'logins.list': unused,
        'logins.forget': unused,
        'login.apply': unused,
        'changes.undo': unused,
      },
      (change) => seen.push(change),
    );

    const ended = await methods['trust.apply']({
      engine: 'podman',
      way: 'certificate',
      hash: 'x',
      mayRestart: false,
    }).then(
      () => 'done',
      () => 'failed',
    );

    assert.deepEqual([seen, ended], [told, name === 'that was made' ? 'done' : 'failed']);
  });
}
