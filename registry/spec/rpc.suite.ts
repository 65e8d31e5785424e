/** What must hold over any channel: the promises of rpc.ts, one case each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { adminArguments } from './admin-api.ts';
import type { FeedItem } from './admin-api.ts';
import type { StatusRow } from './admin/process.ts';
import { AppError } from './errors.ts';
import type { LogRecord } from './log-record.ts';
import { createQueue } from './queue.ts';
import type { Queue } from './queue.ts';
import { serve } from './rpc-server.ts';
import type { Methods, Topics } from './rpc-server.ts';
import { createClient, shed } from './rpc.ts';
import type { Channel, Client, Dropped, Request, TopicItems } from './rpc.ts';

/** Two connected ends. */
export interface Pair extends AsyncDisposable {
  readonly client: Channel;
  readonly server: Channel;
  /** The side of the client takes nothing more, until `resume`. */
  stall(): void;
  resume(): void;
}

/** Runs the suite. `skips` names cases and says why they do not hold for this channel. */
export function testRpc(
  name: string,
  open: () => Promise<Pair>,
  skips: Readonly<Record<string, string>> = {},
): void {
  for (const [title, run] of Object.entries(cases)) {
    test(`${name}: ${title}`, { skip: skips[title] ?? false, timeout: 20_000 }, async () => {
      await using pair = await open();
      await run(pair);
    });
  }
  test(`${name}: every skip names a case`, () => {
    assert.deepEqual(
      Object.keys(skips).filter((title) => !(title in cases)),
      [],
    );
  });
}

/** Methods that fail, but for those given. */
export function methodsOf(some: Partial<Methods<AbortSignal>>): Methods<AbortSignal> {
  const absent = Object.keys(adminArguments).map((name) => [
    name,
    () => Promise.reject(new Error('not here')),
  ]);
  return { ...(Object.fromEntries(absent) as Methods<AbortSignal>), ...some };
}

/** A pair without a transport: what is sent arrives in the next microtask. */
export function createPair(): Pair {
  const held: (() => void)[] = [];
  let isStalled = false;
  let awaited: PromiseWithResolvers<void> | undefined;

  function createEnd(isServer: boolean): Channel & { deliver(message: unknown): void; shut(): void } {
    let listener: (message: unknown) => void = () => undefined;
    let isClosed = false;
    const closeListeners: (() => void)[] = [];
    return {
      send(message) {
        if (isClosed) return;
        const text = JSON.stringify(message);
        const other = isServer ? client : server;
        const arrive = (): void => queueMicrotask(() => other.deliver(JSON.parse(text)));
        if (isServer && isStalled) held.push(arrive);
        else arrive();
      },
      onMessage(listen) {
        listener = listen;
      },
      onClose(listen) {
        closeListeners.push(listen);
      },
      close() {
        if (isClosed) return;
        this.shut();
        const other = isServer ? client : server;
        queueMicrotask(() => queueMicrotask(() => other.shut()));
      },
      ready: async () => {
        if (isServer && isStalled) await (awaited ??= Promise.withResolvers()).promise;
      },
      deliver(message) {
        if (!isClosed) listener(message);
      },
      shut() {
        if (isClosed) return;
        isClosed = true;
        for (const listen of closeListeners) listen();
      },
    };
  }
  const client = createEnd(false);
  const server = createEnd(true);
  return {
    client,
    server,
    stall() {
      isStalled = true;
    },
    resume() {
      isStalled = false;
      for (const arrive of held.splice(0)) arrive();
      awaited?.resolve();
      awaited = undefined;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      server.close();
    },
  };
}

const status: StatusRow = {
  version: '1',
  urls: ['https://localhost:5443'],
  startedAt: '2026-01-01T00:00:00.000Z',
  pid: 1,
  runs: 'foreground',
  isReadOnly: false,
  isOpen: false,
  isPlain: false,
  unheeded: [],
  index: 'ready',
  disk: { state: 'ok' },
};
const digest = `sha256:${'a'.repeat(64)}`;

interface Served {
  readonly client: Client;
  /** What the server logged. */
  readonly faults: unknown[];
}

/** Serves some methods and topics on one end, and answers a client of the other. */
function connect(
  pair: Pair,
  methods: Partial<Methods<AbortSignal>>,
  topics: Partial<Topics<AbortSignal>> = {},
): Served {
  const faults: unknown[] = [];
  const none = (): never => assert.fail('not in this case');
  serve(pair.server, {
    methods: methodsOf(methods),
    topics: { feed: none, logs: none, sessions: none, ...topics },
    actor: { user: 'anna', requestId: 'r1' },
    newController: () => new AbortController(),
    onFault: (error) => `fault-${faults.push(error)}`,
  });
  return { client: createClient(pair.client), faults };
}

/** A topic of items that the case pushes, one queue for every subscription. */
function topicOf<T extends 'feed' | 'logs'>(topic: T) {
  const queues: Queue<TopicItems[T]>[] = [];
  const ended = Promise.withResolvers<void>();
  return {
    push: (item: TopicItems[T]) => {
      for (const queue of queues) queue.push(item);
    },
    end: (error?: Error) => {
      for (const queue of queues) queue.end(error);
    },
    /** Resolves when the first subscription is over. */
    ended: ended.promise,
    open: (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
      createQueue<TopicItems[T]>({
        shed: shed[topic],
        signal,
        open(queue) {
          queues.push(queue);
          return () => ended.resolve();
        },
      }),
  };
}

function record(at: number, msg = ''): LogRecord {
  return { at, level: 'info', sys: 'http', event: 'e', msg, fields: {} };
}

function moved(seq: number): FeedItem {
  return { seq, at: '2026-01-01T00:00:00.000Z', kind: 'tagMoved', repository: 'app', tag: 'x'.repeat(120) };
}

/** Resolves when everything that was sent before has been answered. */
async function settle(client: Client): Promise<void> {
  await client.call('status.get', {});
}

/** Gives everybody turns until it is true. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (await isTrue()) return;
    await nextTurn();
  }
  assert.fail('it does not happen');
}

/** A method that waits for its abort, and says when it runs and why it ended. */
function waitingMethod() {
  const running = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  return {
    running: running.promise,
    aborted: aborted.promise,
    method: async (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
      running.resolve();
      await once(signal, 'abort');
      aborted.resolve();
      throw signal.reason;
    },
  };
}

const cases: Readonly<Record<string, (pair: Pair) => Promise<void>>> = {
  async 'a call reaches its method with the defaults filled in, and brings the answer back'(pair) {
    const seen: unknown[] = [];
    const { client } = connect(pair, {
      async 'tags.list'(args) {
        seen.push(args);
        return { rows: [], total: 7, next: 'b' };
      },
    });

    const answer = await client.call('tags.list', { repository: 'team/app', after: 'a' });

    assert.deepEqual(answer, { rows: [], total: 7, next: 'b' });
    assert.deepEqual(seen, [{ repository: 'team/app', after: 'a', limit: 100, sort: 'pushed' }]);
  },

  async 'an expected failure arrives with its code, message, hint and detail, and without a stack'(pair) {
    const thrown = new AppError('MANIFEST_UNKNOWN', {
      message: 'No sha256:1 in app.',
      hint: 'Push it.',
      detail: { digest: 'sha256:1' },
      cause: new Error('inner'),
    });
    const { client, faults } = connect(pair, { 'manifests.get': () => Promise.reject(thrown) });

    const error = await client.call('manifests.get', { repository: 'app', digest }).catch((each) => each);

    const { code, message, hint, detail, cause } = error as AppError;
    assert.ok(error instanceof AppError);
    assert.deepEqual(
      { code, message, hint, detail, cause, faults },
      {
        code: 'MANIFEST_UNKNOWN',
        message: 'No sha256:1 in app.',
        hint: 'Push it.',
        detail: { digest: 'sha256:1' },
        cause: undefined,
        faults: [],
      },
    );
  },

  async 'a fault is logged, and only its request id goes out'(pair) {
    const fault = new Error('password hunter2 in /etc/secret');
    const { client, faults } = connect(pair, {
      'usage.get': () => {
        throw fault;
      },
    });

    const error = await client.call('usage.get', {}).catch((each) => each);

    assert.ok(error instanceof AppError);
    assert.deepEqual(
      [error.code, error.message, error.detail],
      ['UNKNOWN', 'An error inside the registry, in the request fault-1.', { requestId: 'fault-1' }],
    );
    assert.deepEqual(faults, [fault]);
  },

  async 'what does not fit the contract is refused with what was wrong, and never quoted'(pair) {
    const { client, faults } = connect(pair, {
      'status.get': async () => status,
      'tags.set': () => assert.fail('called'),
    });
    const call = (method: string, args: unknown) => client.call(method as 'status.get', args as never);
    const rows: readonly (readonly [string, unknown, RegExp])[] = [
      ['tags.burn', {}, /no method "tags\.burn"/],
      ['toString', {}, /no method "toString"/],
      ['__proto__', {}, /no method of that name/],
      ['tags.set\u001b[2J', {}, /no method of that name/],
      [
        'tags.set',
        { repository: 'app', tag: 'a', digest, force: 'S3CRET' },
        /tags\.set do not fit: .*"force"/,
      ],
      ['tags.set', { repository: 'app', tag: 'a' }, /digest: /],
      ['tags.set', { repository: 'S3CRET', tag: 'a', digest }, /repository: not a repository name/],
      ['tags.set', { repository: ['S3CRET'], tag: 'a', digest }, /repository: /],
      ['tags.list', { repository: 'app', limit: 1001 }, /limit: /],
      ['tags.list', { repository: 'app', sort: 'S3CRET' }, /sort: /],
      ['status.get', null, /status\.get do not fit/],
      ['status.get', undefined, /status\.get do not fit/],
      ['status.get', 'S3CRET', /status\.get do not fit/],
      ['status.get', [], /status\.get do not fit/],
    ];

    const found = await Promise.all(
      rows.map(([method, args]) =>
        call(method, args).then(
          () => ({ code: undefined, message: 'no error' }),
          ({ code, message }: AppError) => ({ code, message }),
        ),
      ),
    );

    for (const [index, { code, message }] of found.entries()) {
      assert.equal(code, 'USAGE', message);
      assert.match(message, rows[index]?.[2] ?? /^$/);
      assert.doesNotMatch(message, /S3CRET|\p{Cc}/u);
    }
    assert.deepEqual(faults, []);
  },

  async 'an unknown topic or wrong arguments of one end the loop with USAGE'(pair) {
    const { client } = connect(pair, {});
    const subscribe = (topic: string, args: object) => client.subscribe(topic as 'feed', args);

    for (const [topic, args] of [
      ['secrets', {}],
      ['feed', { since: -1 }],
      ['logs', { level: 'loud' }],
    ] as const) {
      await assert.rejects(Array.fromAsync(subscribe(topic, args)), { code: 'USAGE' }, topic);
    }
  },

  async 'calls are answered in the order in which they end, each its own'(pair) {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const { client } = connect(pair, {
      async 'trash.restore'({ id }) {
        const gate = Promise.withResolvers<void>();
        gates.set(id, gate);
        await gate.promise;
        return { id, deletedAt: '', expiresAt: '', by: '', repository: '', digest: '', tags: [], kept: [] };
      },
      'status.get': async () => status,
    });
    const done: string[] = [];
    const calls = ['a', 'b', 'c'].map(async (id) => {
      const row = await client.call('trash.restore', { id });
      assert.equal(row.id, id);
      done.push(id);
    });
    await settle(client);

    for (const id of ['c', 'a', 'b']) {
      gates.get(id)?.resolve();
      await settle(client);
    }
    await Promise.all(calls);

    assert.deepEqual(done, ['c', 'a', 'b']);
  },

  async 'an abort reaches the method, and the call ends at once'(pair) {
    const waiting = waitingMethod();
    const { client, faults } = connect(pair, {
      'collect.run': waiting.method,
      'status.get': async () => status,
    });
    const controller = new AbortController();
    const call = client.call('collect.run', {}, { signal: controller.signal });
    await waiting.running;

    controller.abort();

    await assert.rejects(call, { name: 'AbortError' });
    await waiting.aborted;
    await settle(client);
    assert.deepEqual(faults, []);
  },

  async 'with a signal that has aborted nothing is sent'(pair) {
    const { client } = connect(pair, { 'status.get': async () => status });
    const signal = AbortSignal.abort();

    await assert.rejects(client.call('collect.run', {}, { signal }), { name: 'AbortError' });
    assert.deepEqual(await Array.fromAsync(client.subscribe('feed', {}, { signal })), []);

    await settle(client);
  },

  async 'a subscriber gets the items in order, and leaving the loop ends it on the server'(pair) {
    const feed = topicOf('feed');
    const { client } = connect(pair, { 'status.get': async () => status }, { feed: feed.open });
    const items = client.subscribe('feed', {});
    await settle(client);
    for (const seq of [1, 2, 3]) feed.push(moved(seq));

    const seen: number[] = [];
    for await (const batch of items) {
      seen.push(...batch.map(({ seq }) => seq));
      if (seen.length === 3) break;
    }

    assert.deepEqual(seen, [1, 2, 3]);
    await feed.ended;
  },

  async 'aborting a subscription ends the loop and the topic'(pair) {
    const feed = topicOf('feed');
    const { client } = connect(pair, { 'status.get': async () => status }, { feed: feed.open });
    const controller = new AbortController();
    const items = Array.fromAsync(client.subscribe('feed', {}, { signal: controller.signal }));
    await settle(client);

    controller.abort();

    assert.deepEqual(await items, []);
    await feed.ended;
  },

  async 'a topic that ends or fails ends the loop in the same way, after its last items'(pair) {
    for (const error of [undefined, new AppError('STORAGE_FAILED')]) {
      const feed = topicOf('feed');
      const { client } = connect(pair, { 'status.get': async () => status }, { feed: feed.open });
      const items = client.subscribe('feed', {});
      await settle(client);
      feed.push(moved(1));
      feed.end(error);

      const seen: number[] = [];
      const loop = (async () => {
        for await (const batch of items) seen.push(...batch.map(({ seq }) => seq));
      })();

      if (error === undefined) await loop;
      else await assert.rejects(loop, { code: 'STORAGE_FAILED' });
      assert.deepEqual(seen, [1]);
    }
  },

  async 'a slow reader of the log loses the oldest records and learns how many'(pair) {
    const total = 6000;
    const logs = topicOf('logs');
    const { client } = connect(pair, { 'status.get': async () => status }, { logs: logs.open });
    const batches = client.subscribe('logs', {});
    await settle(client);

    pair.stall();
    for (let at = 1; at <= total; at += 1) {
      logs.push(record(at, 'x'.repeat(300)));
      // The server has its turns; what it sends fills what the transport holds.
      if (at % 100 === 0) await nextTurn();
    }
    pair.resume();

    const seen: (LogRecord | Dropped)[] = [];
    for await (const batch of batches) {
      assert.ok(batch.length <= 200);
      seen.push(...batch);
      if (batch.some((item) => 'at' in item && item.at === total)) break;
    }
    const dropped = seen.flatMap((item) => ('dropped' in item ? [item.dropped] : []));
    const times = seen.flatMap((item) => ('at' in item ? [item.at] : []));
    assert.equal(dropped.length, 1);
    assert.equal(times.length + (dropped[0] ?? 0), total);
    // The newest 999 are there, then comes the word of what went, then what had left before.
    assert.deepEqual(
      times.slice(-999),
      Array.from({ length: 999 }, (_, index) => total - 998 + index),
    );
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok('dropped' in (seen.at(-1000) ?? {}));
  },

  async 'a slow reader of the feed is told to read everything anew'(pair) {
    const total = 9500;
    const feed = topicOf('feed');
    const { client } = connect(pair, { 'status.get': async () => status }, { feed: feed.open });
    const batches = client.subscribe('feed', {});
    await settle(client);

    pair.stall();
    for (let seq = 1; seq <= total; seq += 1) {
      feed.push(moved(seq));
      if (seq % 100 === 0) await nextTurn();
    }
    pair.resume();

    const seen: FeedItem[] = [];
    for await (const batch of batches) {
      seen.push(...batch);
      if (batch.at(-1)?.seq === total) break;
    }
    const gaps = seen.filter(({ seq }, index) => seq !== (seen[index - 1]?.seq ?? 0) + 1);
    assert.deepEqual(
      gaps.map(({ kind }) => kind),
      ['reset'],
    );
  },

  async 'slow readers of one channel all go on when it does'(pair) {
    const total = 3000;
    const logs = topicOf('logs');
    const { client } = connect(pair, { 'status.get': async () => status }, { logs: logs.open });
    const readers = [client.subscribe('logs', {}), client.subscribe('logs', {})];
    await settle(client);

    pair.stall();
    for (let at = 1; at <= total; at += 1) {
      logs.push(record(at, 'x'.repeat(300)));
      if (at % 100 === 0) await nextTurn();
    }
    pair.resume();

    await Promise.all(
      readers.map(async (batches) => {
        for await (const batch of batches) {
          if (batch.some((item) => 'at' in item && item.at === total)) break;
        }
      }),
    );
  },

  async 'a registry that goes away ends calls and loops with NOT_RUNNING'(pair) {
    const waiting = waitingMethod();
    const feed = topicOf('feed');
    const { client } = connect(pair, { 'collect.run': waiting.method }, { feed: feed.open });
    const items = Array.fromAsync(client.subscribe('feed', {}));
    const call = client.call('collect.run', {});
    await waiting.running;

    pair.server.close();

    await assert.rejects(call, { code: 'NOT_RUNNING' });
    await assert.rejects(items, { code: 'NOT_RUNNING' });
    await assert.rejects(client.call('status.get', {}), { code: 'NOT_RUNNING' });
    await assert.rejects(Array.fromAsync(client.subscribe('feed', {})), { code: 'NOT_RUNNING' });
    await Promise.all([waiting.aborted, feed.ended]);
  },

  async 'a client that goes away aborts what runs for it'(pair) {
    const waiting = waitingMethod();
    const feed = topicOf('feed');
    const { client, faults } = connect(pair, { 'collect.run': waiting.method }, { feed: feed.open });
    const items = Array.fromAsync(client.subscribe('feed', {}));
    const call = client.call('collect.run', {});
    await waiting.running;

    client.close();

    await assert.rejects(call, { code: 'NOT_RUNNING' });
    await assert.rejects(items, { code: 'NOT_RUNNING' });
    await Promise.all([waiting.aborted, feed.ended]);
    assert.deepEqual(faults, []);
  },

  async 'more than 100 open calls are refused until one ends'(pair) {
    const waiting = waitingMethod();
    const { client } = connect(pair, { 'collect.run': waiting.method, 'status.get': async () => status });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 100 }, () => client.call('collect.run', {}, { signal }));

    await assert.rejects(client.call('status.get', {}), { code: 'UNAVAILABLE' });
    controller.abort();

    const ends = await Promise.allSettled(calls);
    assert.ok(ends.every((end) => end.status === 'rejected' && end.reason === signal.reason));
    // A call counts until its method has ended.
    await until(() =>
      settle(client).then(
        () => true,
        () => false,
      ),
    );
  },

  async 'an answer that is too large becomes USAGE, and the connection stays'(pair) {
    const { client } = connect(pair, {
      'logs.levels': async () => ({ all: 'ä'.repeat(600_000) }),
      'status.get': async () => status,
    });

    await assert.rejects(client.call('logs.levels', {}), { code: 'USAGE', message: /1 MiB/ });
    await assert.rejects(client.call('trash.restore', { id: 'x'.repeat(1_048_576) }), { code: 'USAGE' });

    await settle(client);
  },

  async 'a batch that is too large arrives in parts'(pair) {
    const logs = topicOf('logs');
    const { client } = connect(pair, { 'status.get': async () => status }, { logs: logs.open });
    const batches = client.subscribe('logs', {});
    await settle(client);
    for (let at = 1; at <= 7; at += 1) logs.push(record(at, 'x'.repeat(400_000)));

    const seen: number[] = [];
    for await (const batch of batches) {
      seen.push(...batch.flatMap((item) => ('at' in item ? [item.at] : [])));
      if (seen.length === 7) break;
    }

    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
  },
};

const noise: readonly unknown[] = [
  null,
  'call',
  [],
  {},
  { kind: 'shout', id: 1 },
  { kind: 'call', id: 0, method: 'status.get', args: {} },
  { kind: 'call', id: 1.5, method: 'status.get', args: {} },
  { kind: 'call', id: '1', method: 'status.get', args: {} },
  { kind: 'call', id: 1, method: 7, args: {} },
  { kind: 'call', id: 1, method: 'status.get', args: {}, extra: 1 },
  { kind: 'cancel' },
];

/** Noise closes the connection that it comes from, with an error that says so. */
export function testNoise(name: string, open: () => Promise<Pair>): void {
  for (const message of noise) {
    test(`${name}: ${JSON.stringify(message)} closes the connection`, async () => {
      await using pair = await open();
      const waiting = waitingMethod();
      const { client } = connect(pair, { 'collect.run': waiting.method });
      const call = client.call('collect.run', {});
      await waiting.running;

      pair.client.send(message as Request);

      await assert.rejects(call, { code: 'USAGE', message: /not of this protocol/ });
      await waiting.aborted;
    });
  }

  test(`${name}: an id that is in use closes the connection`, async () => {
    await using pair = await open();
    const waiting = waitingMethod();
    const { client } = connect(pair, { 'collect.run': waiting.method });
    const call = client.call('collect.run', {});
    await waiting.running;

    pair.client.send({ kind: 'call', id: 1, method: 'status.get', args: {} });

    await assert.rejects(call, { code: 'USAGE' });
    await waiting.aborted;
  });

  test(`${name}: a client closes a connection on which noise arrives`, async () => {
    for (const message of [
      {},
      { kind: 'ok' },
      { kind: 'error', id: 1, error: {} },
      { kind: 'event', id: 1 },
    ]) {
      await using pair = await open();
      const closed = Promise.withResolvers<void>();
      pair.server.onMessage(() => pair.server.send(message as never));
      pair.server.onClose(() => closed.resolve());
      const client = createClient(pair.client);

      await assert.rejects(client.call('status.get', {}), { code: 'NOT_RUNNING', message: /understand/ });

      await closed.promise;
    }
  });
}
