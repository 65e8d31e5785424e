import assert from 'node:assert/strict';
import { mock, suite, test } from 'node:test';
import type { FromRegistry, ToRegistry } from './registry-messages.ts';
import { type Child, createSupervisor, type SupervisorState } from './supervisor.ts';

/** A process that does what the test says. */
class Puppet implements Child<string> {
  readonly pid = 7;
  readonly args: readonly string[];
  readonly posted: (ToRegistry | string)[] = [];
  isKilled = false;
  say: (message: FromRegistry) => void = () => undefined;
  exit: (status: number, said: string) => void = () => undefined;
  constructor(args: readonly string[]) {
    this.args = args;
  }
  post(message: ToRegistry, port?: string): void {
    this.posted.push(port === undefined ? message : `${message.kind} ${port}`);
  }
  onMessage(listener: (message: FromRegistry) => void): void {
    this.say = listener;
  }
  onExit(listener: (status: number, said: string) => void): void {
    this.exit = listener;
  }
  kill(): void {
    this.isKilled = true;
  }
}

function supervise() {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const children: Puppet[] = [];
  const states: SupervisorState[] = [];
  const supervisor = createSupervisor<string>({
    fork(args) {
      const child = new Puppet(args);
      children.push(child);
      return child;
    },
    onState: (state) => states.push(state),
    stopTimeoutMs: 5000,
  });
  const last = (): Puppet => {
    const child = children.at(-1);
    assert.ok(child !== undefined);
    return child;
  };
  const kinds = (): string => states.map(({ kind }) => kind).join(' ');
  return { supervisor, children, states, last, kinds, [Symbol.dispose]: () => mock.timers.reset() };
}

const running = { kind: 'running', urls: ['https://localhost:1'], root: '/r', isOwn: true } as const;

suite('the process of the registry', () => {
  test('is started, gets ports once it runs, and stops when it is asked', async () => {
    using it = supervise();

    it.supervisor.start();
    assert.equal(it.supervisor.connect('early'), false);
    it.last().say(running);
    assert.equal(it.supervisor.connect('one'), true);
    const stop = it.supervisor.stop();
    it.last().exit(0, '');
    await stop;

    assert.equal(it.kinds(), 'starting running stopping stopped');
    assert.deepEqual(it.last().posted, ['connect one', { kind: 'stop' }]);
    mock.timers.tick(60_000);
    assert.equal(it.children.length, 1);
  });

  test('is back after 100 ms, with what it said last as the reason', () => {
    using it = supervise();
    it.supervisor.start();
    it.last().say(running);

    it.last().exit(70, 'noise\nThe registry ends by a fault of its own: Error: no\n    at x');
    mock.timers.tick(99);
    assert.equal(it.children.length, 1);
    mock.timers.tick(1);

    assert.equal(it.children.length, 2);
    const state = it.supervisor.state();
    assert.equal(
      state.kind === 'starting' && state.after?.message,
      'The registry ended unexpectedly: Error: no.',
    );
  });

  test('is started again less and less often while it fails, and at once when a person asks', () => {
    using it = supervise();
    it.supervisor.start();
    const delays: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      it.last().exit(1, '');
      const state = it.supervisor.state();
      assert.ok(state.kind === 'waiting');
      delays.push(state.retryAt - Date.now());
      mock.timers.tick(30_000);
    }
    it.last().exit(1, '');
    it.supervisor.start();

    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
    assert.equal(it.children.length, 12);
  });

  test('is back within a second however often it ends, once it did run', () => {
    using it = supervise();
    it.supervisor.start();
    const delays: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      it.last().say(running);
      it.last().exit(9, '');
      const state = it.supervisor.state();
      assert.ok(state.kind === 'waiting');
      delays.push(state.retryAt - Date.now());
      mock.timers.tick(400);
    }

    assert.deepEqual(delays.slice(0, 5), [100, 200, 400, 400, 400]);
    assert.equal(Math.max(...delays), 400);
  });

  test('that does not answer is ended, and started anew', () => {
    using it = supervise();
    it.supervisor.start();
    it.last().say(running);

    it.supervisor.replace();
    assert.equal(it.last().isKilled, true);
    it.last().exit(9, '');
    mock.timers.tick(100);

    assert.equal(it.kinds(), 'starting running waiting starting');
  });

  test('gets the arguments of a start once', () => {
    using it = supervise();

    it.supervisor.start(['--port=5444']);
    it.last().exit(1, '');
    mock.timers.tick(100);

    assert.deepEqual(
      it.children.map(({ args }) => args),
      [['--port=5444'], []],
    );
  });

  test('begins with short delays again once it has run for a minute', () => {
    using it = supervise();
    it.supervisor.start();
    it.last().exit(1, '');
    mock.timers.tick(200);
    it.last().say(running);
    mock.timers.tick(61_000);
    it.last().exit(1, '');

    mock.timers.tick(200);

    assert.equal(it.children.length, 3);
  });

  test('says why it cannot start, and is let go', () => {
    using it = supervise();
    it.supervisor.start();

    it.last().say({ kind: 'failed', code: 'PORT_BUSY', message: 'used', hint: 'do', freePort: 5444 });
    assert.deepEqual(it.last().posted, [{ kind: 'stop' }]);
    it.last().exit(1, '');

    const state = it.supervisor.state();
    assert.deepEqual(state.kind === 'waiting' && state.failure, {
      code: 'PORT_BUSY',
      message: 'used',
      hint: 'do',
      freePort: 5444,
    });
  });

  test('stays stopped when somebody else has asked it to stop', () => {
    using it = supervise();
    it.supervisor.start();
    it.last().say(running);

    it.last().exit(0, '');
    mock.timers.tick(60_000);

    assert.equal(it.kinds(), 'starting running stopped');
    assert.equal(it.children.length, 1);
  });

  test('is killed when it does not stop in time', async () => {
    using it = supervise();
    it.supervisor.start();
    it.last().say(running);

    const stop = it.supervisor.stop();
    mock.timers.tick(5000);
    assert.equal(it.last().isKilled, true);
    it.last().exit(9, '');
    await stop;

    assert.equal(it.kinds(), 'starting running stopping stopped');
  });

  test('is not started again when it is stopped while it waits', async () => {
    using it = supervise();
    it.supervisor.start();
    it.last().exit(1, '');

    await it.supervisor.stop();
    mock.timers.tick(60_000);

    assert.equal(it.kinds(), 'starting waiting stopped');
    assert.equal(it.children.length, 1);
  });
});
