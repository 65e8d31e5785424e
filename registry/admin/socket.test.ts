import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { needs } from '../../test/support/tools.ts';
import { createLogger } from '../log/logger.ts';
import type { StatusRow } from '../spec/admin/process.ts';
import { maxMessageBytes } from '../spec/rpc.ts';
import type { Channel } from '../spec/rpc.ts';
import { methodsOf, testNoise, testRpc, until } from '../spec/rpc.suite.ts';
import type { Pair } from '../spec/rpc.suite.ts';
import { serve } from '../spec/rpc-server.ts';
import { createLineChannel } from './line-channel.ts';
import { elsewhereAddress, findSocketAddress } from './socket-address.ts';
import { openAdminSocket } from './socket.ts';

const log = createLogger({ write: () => undefined });

/** A data directory as the registry finds it after it took its lock; `name` makes its path longer. */
async function temporary(name = 'data') {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-sock-'));
  const root = join(directory.path, name);
  await mkdir(join(root, 'berth'), { recursive: true, mode: 0o700 });
  return { root, [Symbol.asyncDispose]: () => directory.remove() };
}

async function dial(address: string): Promise<Socket> {
  const socket = connect(address);
  await once(socket, 'connect');
  return socket;
}

async function openPair(): Promise<Pair> {
  await using opening = new AsyncDisposableStack();
  const { root } = opening.use(await temporary());
  const arrived = Promise.withResolvers<Channel>();
  const { address } = opening.use(
    await openAdminSocket({ root, onConnection: arrived.resolve, findDownload: () => undefined, log }),
  );
  const socket = await dial(address);
  opening.defer(() => void socket.destroy());
  const stack = opening.move();
  return {
    client: createLineChannel(socket, 'client'),
    server: await arrived.promise,
    stall: () => void socket.pause(),
    resume: () => void socket.resume(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

testRpc('unix socket', openPair);
testNoise('unix socket', openPair);

const status: StatusRow = {
  version: '1',
  urls: [],
  startedAt: '',
  pid: 1,
  runs: 'foreground',
  isReadOnly: false,
  isOpen: false,
  isPlain: false,
  unheeded: [],
  index: 'ready',
  disk: { state: 'ok' },
};

/** A socket whose `status.get` answers, and whose `collect.run` counts how many run. */
async function openServed(root: string) {
  const running = { count: 0 };
  const socket = await openAdminSocket({
    root,
    log,
    findDownload: () => undefined,
    onConnection(channel) {
      serve(channel, {
        methods: methodsOf({
          'status.get': async () => status,
          'logs.levels': async () => ({ all: 'x'.repeat(500_000) }),
          async 'collect.run'(_, { signal }) {
            running.count += 1;
            await once(signal, 'abort');
            running.count -= 1;
            throw signal.reason;
          },
        }),
        topics: { feed: () => assert.fail(), logs: () => assert.fail(), sessions: () => assert.fail() },
        actor: { user: 'anna', requestId: 'r1' },
        newController: () => new AbortController(),
        onFault: (error) => assert.fail(String(error)),
      });
    },
  });
  return {
    address: socket.address,
    running,
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  };
}

const ask = '{"kind":"call","id":1,"method":"status.get","args":{}}\n';
const answer = `${JSON.stringify({ kind: 'ok', id: 1, value: status })}\n`;

/** The first line that comes. */
async function readLine(socket: Socket): Promise<string> {
  let got = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    got += String(chunk);
    if (got.includes('\n')) break;
  }
  return got;
}

test('the socket lies in the data directory, for its owner alone, and goes with the registry', async () => {
  await using data = await temporary();
  const berth = join(data.root, 'berth');
  {
    await using socket = await openServed(data.root);

    const info = await lstat(socket.address);

    assert.equal(socket.address, join(berth, 'admin.sock'));
    assert.deepEqual(await findSocketAddress(data.root), { address: socket.address });
    assert.deepEqual([info.isSocket(), (info.mode & 0o777).toString(8)], [true, '600']);
  }
  assert.deepEqual(await readdir(berth), []);
});

test('another user is refused by the system, even where the directory is open', needs('root'), async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  for (const directory of [dirname(data.root), data.root, join(data.root, 'berth')]) {
    await chmod(directory, 0o755);
  }
  using cleanup = new DisposableStack();
  const { seteuid } = process;
  seteuid?.(65_534);
  cleanup.defer(() => seteuid?.(0));

  const refused = dial(socket.address);

  await assert.rejects(refused, { code: 'EACCES' });
});

test('a path that is too long for a socket moves it to a private place, with a secret', async () => {
  await using data = await temporary('d'.repeat(100));
  const note = join(data.root, 'berth', 'admin.json');
  const place = dirname(elsewhereAddress(data.root) ?? '');
  {
    await using socket = await openServed(data.root);

    const found = await findSocketAddress(data.root);

    const modes = await Promise.all(
      [note, place, socket.address].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)),
    );
    assert.deepEqual([found.address, dirname(found.address)], [socket.address, place]);
    assert.deepEqual(modes, ['600', '700', '600']);
    const secret = `{"secret":${JSON.stringify(found.secret)}}\n`;
    for (const [hello, wanted] of [
      [secret + ask, answer],
      [`{"secret":"${'x'.repeat(43)}"}\n${ask}`, ''],
      [`{"secret":""}\n${ask}`, ''],
      [ask, ''],
      [`null\n${secret}${ask}`, ''],
      ['nonsense\n', ''],
    ] as const) {
      const client = await dial(socket.address);
      client.write(hello);
      assert.equal(await readLine(client), wanted, hello);
      client.destroy();
    }
  }
  assert.deepEqual(await readdir(dirname(note)), []);
  await assert.rejects(stat(place), { code: 'ENOENT' });
});

test('a private place that somebody else has made is not used', needs('root'), async () => {
  await using data = await temporary('d'.repeat(100));
  const place = dirname(elsewhereAddress(data.root) ?? '');
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(place, { recursive: true, force: true }));
  using owner = new DisposableStack();
  const { seteuid } = process;
  const takeAs = async (uid: number, mode: number): Promise<void> => {
    seteuid?.(uid);
    owner.defer(() => seteuid?.(0));
    await mkdir(place);
    await chmod(place, mode);
    seteuid?.(0);
  };

  for (const [uid, mode] of [
    [65_534, 0o700],
    [0, 0o755],
  ] as const) {
    await takeAs(uid, mode);
    await assert.rejects(openServed(data.root), { code: 'DATA_UNUSABLE', message: new RegExp(place) });
    await rm(place, { recursive: true });
  }
});

test('pipes of Windows are named after the data directory', () => {
  const names = ['C:\\data', 'C:\\data', 'D:\\data'].map((root) => elsewhereAddress(root, 'win32'));

  assert.match(names[0] ?? '', /^\\\\\.\\pipe\\berth-[0-9a-f]{16}$/);
  assert.deepEqual([names[0] === names[1], names[0] === names[2]], [true, false]);
});

test('what a killed registry left behind is replaced', async () => {
  await using data = await temporary();
  const path = join(data.root, 'berth', 'admin.sock');
  // Node removes the socket when it stops listening, so it is put back.
  const killed = createServer().listen(path);
  await once(killed, 'listening');
  await rename(path, `${path}.kept`);
  killed.close();
  await rename(`${path}.kept`, path);
  await writeFile(join(data.root, 'berth', 'admin.json'), '{"address":"/nowhere","secret":"old"}');

  await using socket = await openServed(data.root);

  const found = await findSocketAddress(data.root);
  const client = await dial(found.address);
  client.write(ask);
  assert.equal(socket.address, path);
  assert.equal(await readLine(client), answer);
  client.destroy();
});

test('a socket that answers and a file that is none are left alone', async () => {
  await using data = await temporary();
  const path = join(data.root, 'berth', 'admin.sock');
  {
    await using first = await openServed(data.root);
    await assert.rejects(openServed(data.root), { code: 'DATA_LOCKED', message: new RegExp(path) });
    const client = await dial(first.address);
    client.write(ask);
    assert.equal(await readLine(client), answer);
    client.destroy();
  }

  await writeFile(path, 'mine');
  await assert.rejects(openServed(data.root), { code: 'DATA_UNUSABLE', message: /not a socket/ });

  assert.equal(await readFile(path, 'utf8'), 'mine');
});

test('a directory that is gone is named', async () => {
  await assert.rejects(openServed('/nonexistent/berth-data'), {
    code: 'DATA_UNUSABLE',
    message: /\/nonexistent\/berth-data/,
  });
});

const refusal = /^\{"kind":"error","id":0,"error":\{"code":"USAGE",[^\n]*1 MiB[^\n]*\}\n$/;

test('a line that cannot be read closes its connection and no other', async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  const other = await dial(socket.address);
  const rows: readonly (readonly [string, string | Buffer])[] = [
    ['no JSON', 'GET / HTTP/1.1\r\n\r\n'],
    ['an empty line', `\n${ask}`],
    ['half a value', '{"kind":"call",\n'],
    ['no UTF-8', Buffer.from(ask.replace('status', 'st\xff'), 'latin1')],
    ['NUL', '\0\n'],
    ['two values', `${ask.trim()}${ask}`],
    ['deep', `${'['.repeat(500_000)}\n`],
    ['too large', `"${'x'.repeat(maxMessageBytes)}"\n`],
    ['too large and without an end', 'x'.repeat(maxMessageBytes + 1)],
    ['what follows is not read', `nonsense\n${ask}`],
  ];

  for (const [name, bytes] of rows) {
    const client = await dial(socket.address);
    client.write(bytes);
    assert.match(await text(client), refusal, name);
  }

  other.write(ask);
  assert.equal(await readLine(other), answer);
  other.destroy();
});

test('a line of exactly 1 MiB is read, in pieces of any size', async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  const client = await dial(socket.address);
  const line = Buffer.from(`${ask.trimEnd().padEnd(maxMessageBytes)}\n${ask.replace('1', '2')}`);

  for (const [from, to] of [
    [0, 1],
    [1, 7],
    [7, 500_000],
    [500_000, maxMessageBytes],
    [maxMessageBytes, line.length - 3],
    [line.length - 3, line.length],
  ] as const) {
    client.write(line.subarray(from, to));
    await nextTurn();
  }

  const got = await readLine(client);
  const both = got.includes('"id":2') ? got : got + (await readLine(client));
  assert.equal(both, answer + answer.replace('1', '2'));
  client.destroy();
});

test('text of several bytes a character is not torn', async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  const client = await dial(socket.address);

  for (const byte of Buffer.from('{"kind":"call","id":1,"method":"tags.delete","args":{"ß€😀":1}}\n')) {
    client.write(Buffer.of(byte));
    await nextTurn();
  }

  assert.match(await readLine(client), /"ß€😀\\?"/);
  client.destroy();
});

test('a client that ends, or half of it, aborts what runs for it', async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  for (const leave of ['end', 'destroy', 'leave unread'] as const) {
    const client = await dial(socket.address);
    client.write(`{"kind":"call","id":9,"method":"collect.run","args":{}}\n${ask}`);
    await readLine(client);
    assert.equal(socket.running.count, 1);

    if (leave === 'leave unread') client.pause().write(ask.replace('1', '2'));
    if (leave === 'end') client.end();
    else client.destroy();

    await until(() => socket.running.count === 0);
    client.destroy();
  }
});

test('a client that asks and never reads is not read any more', async () => {
  await using data = await temporary();
  await using socket = await openServed(data.root);
  const client = await dial(socket.address);
  client.pause();
  const question = (id: number): string => `{"kind":"call","id":${id},"method":"logs.levels","args":{}}\n`;

  // What the two sides and the system hold is less than this; each question has an answer of 500 kB.
  let asked = 0;
  while (client.writableLength < 1_000_000) {
    client.write(question(++asked).padStart(10_000));
    await nextTurn();
    if (asked > 300) assert.fail('the server reads on');
  }

  const answers = client.resume();
  let lines = 0;
  for await (const chunk of answers) {
    for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
    if (lines === asked) break;
  }
  assert.equal(lines, asked);
});

test('closing cuts the connections that are open', async () => {
  await using data = await temporary();
  const socket = await openServed(data.root);
  const clients = await Promise.all([dial(socket.address), dial(socket.address)]);
  clients[0]?.write('{"kind":"call","id":1,"method":"collect.run","args":{}}\n');
  await until(() => socket.running.count === 1);

  await socket[Symbol.asyncDispose]();

  const left = await Promise.all(clients.map((client) => buffer(client)));
  assert.deepEqual(left.map(String), ['', '']);
  await until(() => socket.running.count === 0);
  await assert.rejects(dial(socket.address), { code: 'ENOENT' });
});
