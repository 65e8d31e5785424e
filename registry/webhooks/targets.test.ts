/** Oracle: the IANA special-purpose address registries, and what curl and getaddrinfo make of odd spellings. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import { checkedLookup, checkTarget, isPrivateAddress, targetTest } from './targets.ts';

const addresses: readonly (readonly [string, boolean])[] = [
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['0.0.0.0', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['100.100.100.200', true],
  ['100.128.0.1', false],
  ['168.63.129.16', true],
  ['192.0.0.192', true],
  ['198.18.0.1', true],
  ['203.0.113.9', true],
  ['224.0.0.1', true],
  ['255.255.255.255', true],
  ['8.8.8.8', false],
  ['1.1.1.1', false],
  ['::1', true],
  ['::', true],
  ['fe80::1', true],
  ['fe80::1%eth0', true],
  ['fc00::1', true],
  ['fd00:ec2::254', true],
  ['ff02::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['0:0:0:0:0:ffff:10.0.0.1', true],
  ['::ffff:8.8.8.8', false],
  ['::127.0.0.1', true],
  ['64:ff9b::127.0.0.1', true],
  ['64:ff9b::a9fe:a9fe', true],
  ['64:ff9b::8.8.8.8', false],
  ['64:ff9b:1::8.8.8.8', true],
  ['2002:7f00:1::', true],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', true],
  ['2001:db8::1', true],
  ['fec0::1', true],
  ['2606:4700:4700::1111', false],
  ['not an address', true],
];

for (const [address, isPrivate] of addresses) {
  test(`${address} is ${isPrivate ? 'private' : 'of the Internet'}`, () => {
    assert.equal(isPrivateAddress(address), isPrivate);
  });
}

const allowing: readonly (readonly [readonly string[], string, string, boolean])[] = [
  [[], 'ci.example', '10.0.0.5', false],
  [['10.0.0.0/8'], 'ci.example', '10.0.0.5', true],
  [['10.0.0.0/8'], 'ci.example', '::ffff:10.0.0.5', true],
  [['10.0.0.5'], 'ci.example', '10.0.0.6', false],
  [['CI.example'], 'ci.example', '10.0.0.5', true],
  [['ci.example'], 'ci.example.', '10.0.0.5', true],
  [['localhost'], 'localhost.', '::1', true],
  [['ci.example'], 'other.example', '10.0.0.5', false],
  [['fd00::/8'], 'six.example', 'fd12::1', true],
];

for (const [allowed, host, address, isAllowed] of allowing) {
  test(`with [${allowed.join()}] ${host} at ${address} is ${isAllowed ? 'allowed' : 'refused'}`, () => {
    assert.equal(targetTest(allowed)(host, address), isAllowed);
  });
}

/** Hosts that are an address in a disguise: a URL unmasks them, so they never come to a lookup. */
const disguised = [
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0x7f.1/',
  'http://127.1/',
  'http://127.0.0.1./',
  'http://0/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[0:0:0:0:0:ffff:7f00:1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://①②⑦.⓪.⓪.①/',
  'http://169.254.169.254/latest/meta-data/',
];

for (const text of disguised) {
  test(`${text} is refused`, () => {
    assert.throws(
      () => checkTarget(new URL(text), targetTest([])),
      (error) => isAppError(error, 'WEBHOOK_REFUSED'),
    );
  });
}

suite('a name', () => {
  type Lookup = Parameters<typeof checkedLookup>[1];
  const answering = (...found: readonly string[]): Lookup =>
    ((_host: string, _options: unknown, done: (...args: readonly unknown[]) => void) =>
      done(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as unknown as Lookup;

  for (const [found, isRefused] of [
    [['93.184.216.34'], false],
    [['127.0.0.1'], true],
    [['93.184.216.34', '127.0.0.1'], true],
    [['2606:4700:4700::1111', '::1'], true],
    [[], true],
  ] as const) {
    test(`that means ${found.join(' and ') || 'nothing'} is ${isRefused ? 'refused' : 'connected'}`, async () => {
      const lookup = checkedLookup(targetTest([]), answering(...found));

      const error = await new Promise((resolve) =>
        lookup('a.example', { all: true }, (failure) => resolve(failure)),
      );

      assert.equal(isAppError(error, 'WEBHOOK_REFUSED'), isRefused);
    });
  }

  test('is looked up by the system as well, with a dot at its end or not', async () => {
    for (const host of ['localhost', 'localhost.']) {
      const lookup = checkedLookup(targetTest([]));

      const error = await new Promise((resolve) => lookup(host, {}, (failure) => resolve(failure)));

      // Some systems do not know the name with the dot; nowhere may it lead to this machine.
      assert.ok(error instanceof Error, host);
    }
  });

  test('that means another address at the second look reaches the one that was judged', async () => {
    const { request } = await import('node:http');
    await using server = createServer((_, res) => res.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const looked: string[] = [];
    const lookup = checkedLookup(targetTest([]), ((
      host: string,
      _options: unknown,
      done: (...args: readonly unknown[]) => void,
    ) => {
      looked.push(host);
      done(null, [{ address: looked.length === 1 ? '127.0.0.1' : '93.184.216.34', family: 4 }]);
    }) as unknown as Lookup);

    const error = await new Promise((resolve) =>
      request({ host: 'rebind.example', port, lookup }, resolve).once('error', resolve).end(),
    );

    assert.ok(isAppError(error, 'WEBHOOK_REFUSED'));
    assert.deepEqual(looked, ['rebind.example']);
  });
});
