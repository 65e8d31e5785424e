import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { assert as check, ipV4, ipV6, nat, oneof, property } from 'fast-check';
import { addressBytes, addressText, findAddress, findDnsName } from './addresses.ts';
import { makeAuthority } from './authority.ts';
import { findScope, isInScope, makeScope } from './scope.ts';

test('a scope written into a certificate is read back as it was', () => {
  const asked = ['registry.example.com', '*.apps.example.com', '203.0.113.7', '2001:db8::7', 'not a name'];
  const made = makeAuthority({ hostname: 'dock', names: asked, now: Date.now() });

  const read = findScope(new X509Certificate(made.certificate).raw);

  assert.deepEqual(read, makeScope('dock', asked));
  assert.ok(read?.networks.includes('203.0.113.7/32'));
  assert.ok(read.networks.includes('2001:db8::7/128'));
  assert.ok(read.names.includes('apps.example.com'));
});

test('bytes that were cut off or changed give a scope or none, never a crash', () => {
  const made = makeAuthority({ hostname: 'dock', names: [], now: Date.now() });
  const der = new X509Certificate(made.certificate).raw;

  check(
    property(nat(der.length - 1), nat(255), nat(der.length), (at, byte, end) => {
      const changed = Buffer.from(der.subarray(0, end));
      if (at < end) changed[at] = byte;
      findScope(changed);
    }),
    { numRuns: 2000 },
  );
});

test('the scope admits names below its names and addresses in its networks', () => {
  const scope = makeScope('dock', ['203.0.113.7']);
  const cases: readonly (readonly [string, boolean])[] = [
    ['localhost', true],
    ['a.localhost', true],
    ['notlocalhost', false],
    ['host.docker.internal', true],
    ['dock', true],
    ['dock.example.com', false],
    ['172.31.255.255', true],
    ['172.32.0.0', false],
    ['100.64.0.1', true],
    ['203.0.113.7', true],
    ['203.0.113.8', false],
    ['::1', true],
    ['fd12::1', true],
    ['2001:db8::1', false],
  ];

  assert.deepEqual(
    cases.map(([name]) => [name, isInScope(scope, name)]),
    cases,
  );
});

test('addresses have one spelling and survive the way to bytes and back', () => {
  const cases = [
    ['127.0.0.1', '127.0.0.1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['FD00:0:0::2', 'fd00::2'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['::', '::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ] as const;

  for (const [text, canonical] of cases) {
    assert.equal(findAddress(text), canonical);
    assert.equal(addressText(addressBytes(text)), canonical);
  }
  check(
    property(oneof(ipV4(), ipV6()), (text) => {
      assert.equal(addressText(addressBytes(text)), findAddress(text));
    }),
  );
});

test('DNS names are lower-cased and judged by their grammar', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['Dock.Local', 'dock.local'],
    ['dock.', 'dock'],
    ['*.berth.test', '*.berth.test'],
    ['a.*.test', undefined],
    ['*', undefined],
    ['', undefined],
    ['-a', undefined],
    ['a b', undefined],
    ['a:5443', undefined],
    ['x'.repeat(64), undefined],
    [`${'x.'.repeat(126)}xx`, undefined],
  ];

  assert.deepEqual(
    cases.map(([text]) => [text, findDnsName(text)]),
    cases,
  );
});
