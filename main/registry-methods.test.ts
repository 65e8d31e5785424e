import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isAppError } from '../registry/spec/errors.ts';
import { createRegistryMethods } from './registry-methods.ts';
import type { SupervisorState } from './supervisor.ts';

const failure = { code: 'PORT_BUSY', message: 'used', hint: 'do', freePort: 5444 };
const running = { kind: 'running', pid: 1, urls: [], root: '/r', isOwn: true } as const;

/** A process in a state, and what it was told to do. */
function methodsIn(state: SupervisorState, isMoving = false) {
  const acts: string[] = [];
  const methods = createRegistryMethods(
    {
      state: () => state,
      start: (args) => void acts.push(['start', ...(args ?? [])].join(' ')),
      stop: async () => void acts.push('stop'),
    },
    () => isMoving,
  );
  return { methods, acts };
}

suite('the process of the registry for the window', () => {
  const rows = [
    { state: { kind: 'stopped' }, row: { state: 'stopped' } },
    { state: running, row: { state: 'running' } },
    { state: { kind: 'waiting', failure, retryAt: 0 }, row: { state: 'waiting', failure } },
    { state: { kind: 'starting', after: failure }, row: { state: 'starting', failure } },
    { state: { kind: 'starting' }, row: { state: 'starting' } },
  ] as const;
  for (const { state, row } of rows) {
    test(`${state.kind}${'failure' in row ? ', with why it is not running' : ''}`, async () => {
      assert.deepEqual(await methodsIn(state).methods['registry.get']({}), row);
    });
  }

  test('moving, while its data is on the way', async () => {
    const { methods } = methodsIn({ kind: 'stopped' }, true);

    assert.deepEqual(await methods['registry.get']({}), { state: 'moving' });
  });

  test('gets another port once what tries it with the old one has ended', async () => {
    const { methods, acts } = methodsIn({ kind: 'starting', after: failure });

    await methods['registry.usePort']({ port: 5444 });

    assert.deepEqual(acts, ['stop', 'start --port=5444']);
  });

  test('is restarted once it has ended', async () => {
    const { methods, acts } = methodsIn(running);

    await methods['registry.restart']({});

    assert.deepEqual(acts, ['stop', 'start']);
  });

  test('gets another port while it runs, by a restart', async () => {
    const { methods, acts } = methodsIn(running);

    await methods['registry.usePort']({ port: 5555 });

    assert.deepEqual(acts, ['stop', 'start --port=5555']);
  });

  test('keeps its port where another program runs it', async () => {
    const { methods, acts } = methodsIn({ ...running, isOwn: false });

    await assert.rejects(methods['registry.usePort']({ port: 5444 }), (error) => isAppError(error, 'USAGE'));

    assert.deepEqual(acts, []);
  });
});
