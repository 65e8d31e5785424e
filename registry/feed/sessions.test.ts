import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { SessionRow } from '../spec/admin/activity.ts';
import type { AppError } from '../spec/errors.ts';
import type { Manifest } from '../spec/manifest.ts';
import { createSessions, type TransferStart } from './sessions.ts';

const start: TransferStart = {
  kind: 'push',
  user: 'anna',
  userAgent: 'docker/28.2.1',
  address: '10.0.0.7',
  repository: 'team/api',
  isBlob: true,
  cancel: () => undefined,
};
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** Sessions whose clock stands still until it is moved. */
function made(t: TestContext) {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'Date'], now: 1_000_000 });
  const pulled: SessionRow[] = [];
  const sessions = createSessions({ onPulled: (row) => void pulled.push(row) });
  t.after(() => {
    sessions[Symbol.dispose]();
    mock.timers.reset();
  });
  return { sessions, pulled, wait: (ms: number) => mock.timers.tick(ms) };
}

function brief({ id, kind, state, layers, bytesIn, bytesOut, error }: SessionRow) {
  return { id, kind, state, layers, bytesIn, bytesOut, ...(error === undefined ? {} : { error }) };
}

test('who, with what, from where and whereto make a session; pushes and pulls are two', (t) => {
  const { sessions } = made(t);
  const others: readonly Partial<TransferStart>[] = [
    {},
    { user: 'ben' },
    { userAgent: 'podman/5' },
    { address: '10.0.0.8' },
    { repository: 'team/web' },
    { kind: 'pull' },
    {},
    { kind: 'pull' },
  ];

  for (const other of others) sessions.begin({ ...start, ...other }).end({});

  assert.deepEqual(
    sessions.list().map(({ id }) => id),
    [6, 5, 4, 3, 2, 1],
  );
});

test('a look belongs to what is done with it, and is nothing alone', (t) => {
  const { sessions } = made(t);

  sessions.begin({ ...start, kind: undefined, isBlob: false }).end({
    blob: { digest: digest('a'), isReused: true },
  });
  const alone = sessions.list();
  sessions.begin(start).end({ blob: { digest: digest('b'), isReused: false } });
  sessions.begin({ ...start, kind: undefined, isBlob: false }).end({
    blob: { digest: digest('b'), isReused: true },
  });

  assert.deepEqual(alone, []);
  assert.deepEqual(sessions.list().map(brief), [
    {
      id: 1,
      kind: 'push',
      state: 'active',
      layers: { done: 1, reused: 1, open: 0 },
      bytesIn: 0,
      bytesOut: 0,
    },
  ]);
});

test('bytes are seen while they move, and their rate is that of the last three seconds', (t) => {
  const { sessions, wait } = made(t);
  const transfer = sessions.begin(start);

  for (let second = 0; second < 10; second += 1) {
    transfer.meter.bytes += 1_000_000;
    wait(1000);
  }
  const [moving] = sessions.list();
  transfer.end({ blob: { digest: digest('a'), isReused: false } });
  wait(250);
  const [ended] = sessions.list();

  assert.deepEqual([moving?.bytesIn, moving?.layers.open, moving?.isCancellable], [10_000_000, 1, true]);
  assert.ok(Math.abs((moving?.bytesPerSecond ?? 0) - 1_000_000) < 100_000, String(moving?.bytesPerSecond));
  assert.deepEqual([ended?.bytesIn, ended?.bytesPerSecond, ended?.isCancellable], [10_000_000, 0, false]);
});

test('a pull has a true total, from the image manifests that it read', (t) => {
  const { sessions } = made(t);
  const blob = (letter: string, size: number, hasUrls = false) => ({ digest: digest(letter), size, hasUrls });
  const content = {
    config: blob('c', 10),
    layers: [blob('1', 200), blob('2', 3000), blob('2', 3000), blob('9', 50_000, true)],
  } as unknown as Manifest;
  const pull = { ...start, kind: 'pull', isBlob: false } as const;

  for (let times = 0; times < 2; times += 1) {
    sessions.begin(pull).end({ manifest: { digest: digest('m'), tag: '1', content } });
  }
  const transfer = sessions.begin({ ...pull, isBlob: true });
  transfer.sent = () => 120;
  const [row] = sessions.list();

  assert.deepEqual(
    [row?.tag, row?.digest, row?.totalBytes, row?.bytesOut, row?.layers],
    ['1', digest('m'), 3210, 120, { done: 0, reused: 0, open: 1, total: 3 }],
  );
});

test('a manifest that is read by digest after a look at a tag is that tag', (t) => {
  const { sessions } = made(t);
  const look = { ...start, kind: undefined, isBlob: false };
  const read = (letter: string): void => {
    const manifest = { digest: digest(letter), tag: undefined, content: undefined };
    sessions.begin({ ...start, kind: 'pull', isBlob: false }).end({ manifest });
  };

  read('x');
  const before = sessions.list()[0]?.tag;
  sessions.begin(look).end({ looked: { digest: digest('m'), tag: '1' } });
  read('x');
  const other = sessions.list()[0]?.tag;
  read('m');
  read('x');

  assert.deepEqual([before, other, sessions.list()[0]?.tag], [undefined, undefined, '1']);
});

test('a push is done with its tag, a pull with silence; what follows joins for 60 seconds', (t) => {
  const { sessions, wait } = made(t);
  const manifest = { digest: digest('m'), tag: '1', content: undefined };
  const pull = { ...start, kind: 'pull' } as const;

  sessions.begin(start).end({ manifest });
  sessions.begin(pull).end({ manifest });
  wait(250);
  const soon = sessions.list().map(({ state }) => state);
  wait(5000);
  const quiet = sessions.list().map(({ state }) => state);
  sessions.begin(start).end({ manifest });
  sessions.begin(pull).end({ manifest });
  const joined = sessions.list().map(({ id, state }) => `${id} ${state}`);
  wait(60_250);
  const gone = sessions.list();
  sessions.begin(pull).end({ manifest });

  assert.deepEqual(soon, ['active', 'done']);
  assert.deepEqual(quiet, ['done', 'done']);
  assert.deepEqual(joined, ['3 active', '2 active', '1 done']);
  assert.deepEqual(gone, []);
  assert.deepEqual(
    sessions.list().map(({ id }) => id),
    [4],
  );
});

test('a pull that gave a manifest is told of once it is over', (t) => {
  const { sessions, pulled, wait } = made(t);
  const manifest = { digest: digest('m'), tag: '1', content: undefined };
  const pull = { ...start, kind: 'pull' } as const;

  for (let times = 0; times < 3; times += 1) sessions.begin(pull).end({ manifest });
  sessions.begin({ ...pull, repository: 'blobs/only' }).end({});
  sessions.begin({ ...pull, repository: 'cut/short' }).end({ manifest });
  sessions.begin({ ...pull, repository: 'cut/short' }).end({ error: 'gone' });
  const again = { ...pull, repository: 'cut/again' };
  sessions.begin(again).end({ manifest });
  sessions.begin(again).end({ error: 'cut', errorOf: digest('a') });
  sessions.begin(again).end({ blob: { digest: digest('b'), isReused: false } });
  sessions.begin(again).end({ blob: { digest: digest('a'), isReused: false } });
  wait(4000);
  const early = pulled.length;
  wait(2000);
  const late = pulled.map(({ repository, tag, error }) => [repository, tag, error]);
  wait(10_000);
  sessions.begin(pull).end({ manifest });
  sessions[Symbol.dispose]();

  assert.deepEqual(
    [early, late, pulled.length],
    [
      0,
      [
        [start.repository, '1', undefined],
        ['cut/short', '1', 'gone'],
        ['cut/again', '1', undefined],
      ],
      4,
    ],
  );
});

test('a failure stands until the client comes back', (t) => {
  const { sessions, wait } = made(t);

  sessions.begin(start).end({ error: 'The disk of the registry is full.' });
  sessions.begin(start).end({ blob: { digest: digest('a'), isReused: false } });
  wait(5250);
  const failed = sessions.list().map(brief);
  sessions.begin(start).end({ manifest: { digest: digest('m'), tag: '1', content: undefined } });
  wait(250);
  const mended = sessions.list().map(brief);

  const row = { id: 1, kind: 'push', layers: { done: 1, reused: 0, open: 0 }, bytesIn: 0, bytesOut: 0 };
  assert.deepEqual(failed, [{ ...row, state: 'failed', error: 'The disk of the registry is full.' }]);
  assert.deepEqual(mended, [{ ...row, state: 'done' }]);
});

test('a cancel reaches the blobs under way of that session alone', (t) => {
  const { sessions } = made(t);
  const cut: string[] = [];
  const watched = (name: string, more: Partial<TransferStart> = {}): TransferStart => ({
    ...start,
    cancel: (error: AppError) => cut.push(`${name} ${error.code}`),
    ...more,
  });
  sessions.begin(watched('over')).end({});
  sessions.begin(watched('first'));
  sessions.begin(watched('second'));
  sessions.begin(watched('manifest', { isBlob: false }));
  sessions.begin(watched('other', { user: 'ben' }));

  const { requests } = sessions.cancel(1);

  assert.deepEqual([requests, cut], [2, ['first TRANSFER_ENDED', 'second TRANSFER_ENDED']]);
  assert.throws(() => sessions.cancel(3), { code: 'SESSION_UNKNOWN' });
});

test('however many come, 500 are kept and 50 of those that ended', (t) => {
  const { sessions, wait } = made(t);
  const running = Array.from({ length: 10 }, (_, at) => sessions.begin({ ...start, user: `running ${at}` }));

  for (let at = 0; at < 1000; at += 1) sessions.begin({ ...start, user: `user ${at}` }).end({});
  const full = sessions.list().length;
  wait(5250);

  const kept = sessions.list();
  assert.equal(full, 500);
  assert.deepEqual(
    [kept.length, kept.filter(({ state }) => state === 'active').length, kept[0]?.user],
    [60, 10, 'user 999'],
  );
  for (const each of running) each.end({});
});

test('subscribers get what is known, then what changed, at most four times a second', async (t) => {
  const { sessions, wait } = made(t);
  sessions.begin({ ...start, user: 'ben' }).end({});
  const transfer = sessions.begin(start);
  wait(250);
  const stop = new AbortController();
  const batches = sessions.subscribe({ signal: stop.signal })[Symbol.asyncIterator]();

  const first = await batches.next();
  for (let times = 0; times < 100; times += 1) {
    transfer.meter.bytes += 10;
    wait(10);
  }
  const rows: SessionRow[] = [];
  while (rows.length < 4) {
    const { value = [] } = (await batches.next()) as { readonly value?: readonly SessionRow[] };
    rows.push(...value);
    wait(250);
  }
  stop.abort();

  assert.deepEqual(
    (first.value as readonly SessionRow[]).map(({ user }) => user),
    ['ben', 'anna'],
  );
  assert.deepEqual(
    rows.slice(0, 4).map(({ user, bytesIn }) => `${user} ${bytesIn}`),
    ['anna 250', 'anna 500', 'anna 750', 'anna 1000'],
  );
});

test('a session keeps nothing of the requests that have ended', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  using sessions = createSessions();
  const begun = (): WeakRef<TransferStart['cancel']> => {
    const request = { cancel: () => assert.fail() };
    sessions.begin({ ...start, ...request }).end({ error: 'refused' });
    return new WeakRef(request.cancel);
  };

  const request = begun();
  await nextTurn();
  collectGarbage();

  assert.equal(request.deref(), undefined);
  assert.equal(sessions.list()[0]?.error, 'refused');
});
