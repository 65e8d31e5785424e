import assert from 'node:assert/strict';
import { mock, suite, test } from 'node:test';
import type { UpdateState } from './contract/updates.ts';
import { createUpdates, type Updater } from './updates.ts';

/** A feed and an installer that do what the test says. */
function follow({ isProved = true, hasFeed = true } = {}) {
  const found = { version: undefined as string | undefined, error: undefined as Error | undefined };
  const fetching = Promise.withResolvers<void>();
  const counts = { looks: 0, installs: 0 };
  let tell: (percent: number) => void = () => undefined;
  const updater: Updater = {
    async findNewer() {
      counts.looks += 1;
      if (found.error !== undefined) throw found.error;
      return found.version;
    },
    async fetch(onPercent) {
      tell = onPercent;
      await fetching.promise;
    },
    install: () => void (counts.installs += 1),
  };
  const states: UpdateState[] = [];
  const updates = createUpdates({
    updater: hasFeed ? updater : undefined,
    isProved,
    onState: (state) => states.push(state),
  });
  return {
    updates,
    found,
    fetching,
    counts,
    states,
    percent: (part: number) => tell(part),
    kinds: () => states.map(({ kind }) => kind).join(' '),
  };
}

suite('updates', () => {
  test('are not looked for where the build has no feed', async () => {
    const it = follow({ hasFeed: false });

    it.updates.setDaily(true);
    await it.updates.look();
    it.updates.install();

    assert.deepEqual([it.updates.state(), it.states, it.counts.looks], [{ kind: 'noFeed' }, [], 0]);
  });

  test('are fetched with progress, and wait for the person', async () => {
    const it = follow();
    it.found.version = '1.2.0';

    await it.updates.look();
    for (const part of [0.4, 40.2, 40.9, 12, 80]) it.percent(part);
    it.updates.install();
    assert.equal(it.counts.installs, 0, 'what is not whole must not be installed');
    it.fetching.resolve();
    await new Promise(setImmediate);
    assert.equal(it.counts.installs, 0, 'nobody has asked for it');
    it.updates.install();

    assert.deepEqual(it.states, [
      { kind: 'looking' },
      { kind: 'fetching', version: '1.2.0', percent: 0 },
      { kind: 'fetching', version: '1.2.0', percent: 40 },
      { kind: 'fetching', version: '1.2.0', percent: 80 },
      { kind: 'ready', version: '1.2.0' },
    ]);
    assert.equal(it.counts.installs, 1);
  });

  test('whose maker nothing proves are told of, and never fetched', async () => {
    const it = follow({ isProved: false });
    it.found.version = '1.2.0';

    await it.updates.look();
    it.fetching.resolve();
    await new Promise(setImmediate);
    it.updates.install();

    assert.deepEqual(it.updates.state(), { kind: 'manual', version: '1.2.0' });
    assert.equal(it.counts.installs, 0);
  });

  test('that are not there are said so', async () => {
    const it = follow();

    await it.updates.look();

    assert.deepEqual(it.updates.state(), { kind: 'idle', isNewest: true });
  });

  test('that cannot be read are said in one line, and looked for again', async () => {
    const it = follow();
    it.found.error = new Error('404 Not Found\nHeaders: {}');
    await it.updates.look();
    assert.deepEqual(it.updates.state(), { kind: 'failed', message: '404 Not Found' });

    it.found.error = undefined;
    await it.updates.look();

    assert.equal(it.kinds(), 'looking failed looking idle');
  });

  test('that are not what the feed promised fail', async () => {
    const it = follow();
    it.found.version = '1.2.0';
    await it.updates.look();

    it.fetching.reject(new Error('sha512 checksum mismatch'));
    await new Promise(setImmediate);

    assert.deepEqual(it.updates.state(), { kind: 'failed', message: 'sha512 checksum mismatch' });
  });

  test('are looked for once at a time', async () => {
    const it = follow();
    it.found.version = '1.2.0';

    await Promise.all([it.updates.look(), it.updates.look()]);
    await it.updates.look();

    assert.equal(it.counts.looks, 1);
  });

  test('are looked for now and each day, until that is switched off', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const it = follow();
    const dayMs = 24 * 60 * 60 * 1000;

    it.updates.setDaily(true);
    await new Promise(setImmediate);
    mock.timers.tick(dayMs - 1);
    const early = it.counts.looks;
    mock.timers.tick(1);
    await new Promise(setImmediate);
    it.updates.setDaily(false);
    mock.timers.tick(3 * dayMs);
    mock.timers.reset();

    assert.deepEqual([early, it.counts.looks], [1, 2]);
  });
});
