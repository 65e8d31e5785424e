import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import type { ErrorCode } from '../spec/errors.ts';
import { findFreePort, openListeners, parseListenAddress } from './listen.ts';
import type { ListenTarget } from './listen.ts';

const hasV6 = Object.values(networkInterfaces()).some((entries = []) =>
  entries.some(({ address }) => address === '::1'),
);

/** Listening servers that are closed at the end of the block. */
async function open(target: ListenTarget) {
  const servers = await openListeners(target, {}, (socket) => socket.destroy());
  return {
    bound: servers
      .map((server) => server.address() as AddressInfo)
      .map(({ address, port }) => ({ address, port })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => closeServer(server)));
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

async function failsWith(code: ErrorCode, text: RegExp, target: ListenTarget): Promise<void> {
  await assert.rejects(open(target), (error) => {
    assert.ok(isAppError(error, code), String(error));
    assert.match(error.message, text);
    return true;
  });
}

test('addresses to listen on are read as docker and Go write them', () => {
  const cases: readonly (readonly [string, string | undefined, number])[] = [
    ['127.0.0.1:5443', '127.0.0.1', 5443],
    ['localhost:0', 'localhost', 0],
    ['[::]:5443', '::', 5443],
    ['[::1]:65535', '::1', 65535],
    [':5000', undefined, 5000],
    ['dock.local:443', 'dock.local', 443],
  ];

  for (const [text, host, port] of cases) assert.deepEqual(parseListenAddress(text), { host, port });
});

test('what is no address is refused', () => {
  for (const text of [
    '',
    '5443',
    'localhost',
    '::1:5443',
    'a:b',
    ':65536',
    '/run/berth.sock',
    'unix:/x:1',
    ' :1',
    '[::1]',
    'a:1 ',
  ]) {
    assert.throws(
      () => parseListenAddress(text),
      (error) => isAppError(error, 'CONFIG_INVALID'),
      text,
    );
  }
});

test('localhost means both loopback addresses on one port', async () => {
  await using opened = await open({ host: 'localhost', port: 0, asked: true });

  const [first] = opened.bound;
  const addresses = hasV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  assert.deepEqual(
    opened.bound,
    addresses.map((address) => ({ address, port: first?.port })),
  );
});

test('no host means all interfaces', async () => {
  await using opened = await open({ host: undefined, port: 0, asked: true });

  assert.deepEqual(
    opened.bound.map(({ address }) => address),
    [hasV6 ? '::' : '0.0.0.0'],
  );
});

test('a port that is taken on either address is passed over when nobody asked for it', async (t) => {
  for (const host of hasV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    await t.test(host, async () => {
      await using other = await open({ host, port: 0, asked: true });
      const taken = other.bound[0]?.port ?? 0;

      await using opened = await open({ host: 'localhost', port: taken, asked: false });

      const ports = new Set(opened.bound.map(({ port }) => port));
      assert.equal(ports.size, 1);
      assert.ok([...ports].every((port) => port > taken && port <= taken + 100));
    });
  }
});

test('a port that was asked for and is taken is refused with the name of its owner, and nothing stays open', async () => {
  await using other = await open({ host: hasV6 ? '::1' : '127.0.0.1', port: 0, asked: true });
  const taken = other.bound[0]?.port ?? 0;
  const owner = process.platform === 'linux' ? `node \\(pid ${String(process.pid)}\\)` : '.+';

  await failsWith('PORT_BUSY', new RegExp(`^Port ${String(taken)} is in use by ${owner}\\.$`), {
    host: 'localhost',
    port: taken,
    asked: true,
  });

  if (hasV6) {
    const server = createServer().listen(taken, '127.0.0.1');
    await once(server, 'listening');
    await closeServer(server);
  }
});

test('an address of another machine is refused by name', async () => {
  await failsWith('CONFIG_INVALID', /No interface of this machine has the address 203\.0\.113\.1/, {
    host: '203.0.113.1',
    port: 0,
    asked: true,
  });
});

test('the next free port is found, past those that are taken on either address, and left free', async () => {
  await using first = await open({ host: '127.0.0.1', port: 0, asked: true });
  const taken = first.bound[0]?.port ?? 0;
  await using second = await open({ host: 'localhost', port: taken, asked: false });
  const later = second.bound[0]?.port ?? 0;

  const free = await findFreePort(`localhost:${taken}`);

  assert.ok(free !== undefined && free > taken && free !== later, String(free));
  await using opened = await open({ host: 'localhost', port: free, asked: true });
  assert.equal(opened.bound[0]?.port, free);
});

test('there is no free port after the last', async () => {
  assert.equal(await findFreePort('localhost:65535'), undefined);
});
